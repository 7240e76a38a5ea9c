// SPDX-License-Identifier: Apache-2.0
/** Do the forms that no producer of ours or Java's can make here reach a listener as Java reads them? By Java's own bytes, through the embedded cluster. */
import { concurrently, createConsumer, silentLogger } from '../../../src/index.ts';
import { startEmbeddedCluster } from '../../../src/testing/index.ts';
import {
  type JavaMessage,
  type MessageSample,
  messageSamples,
} from '../../../test/unit/protocol/messages/message-samples.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';
import { differences, type Shown, sha256, shownByUs } from './shown.ts';

const topic = 'golden';
const brokerName = 'broker-a';
/** Not what a pull answer holds: no record, a half message, damaged, or with offsets that no queue has. test/unit has them. */
const leftOut = new Set([
  'client-batch-body',
  'pull-body-3-messages',
  'pull-body-bad-second',
  'MessageDecoder.encode',
  'transaction-prepared',
]);

/** Each sample is the answer to the first pull of a queue of its own. */
export async function goldenForms(stage: Stage, report: Report): Promise<void> {
  const samples = messageSamples.filter(
    ({ name, javaDecodes }) => !leftOut.has(name) && javaDecodes !== undefined,
  );
  await using cluster = await startEmbeddedCluster();
  cluster.createTopic(topic, { queues: samples.length });
  samples.forEach((sample, queueId) => {
    const bytes = Buffer.from(sample.bytesHex, 'hex');
    const next = String(Math.max(...expectedOf(sample).map(({ queueOffset }) => queueOffset)) + 1);
    const fields = { suggestWhichBrokerId: '0', nextBeginOffset: next, minOffset: '0', maxOffset: next };
    cluster.interfere({ request: 'pullMessage', topic, queueId }, { kind: 'drop' });
    const first = { kind: 'answer', code: 0, remark: 'FOUND', fields, body: bytes } as const;
    cluster.interfere({ request: 'pullMessage', topic, queueId }, first, { times: 1 });
  });
  const shown = new Map<number, Shown[]>();
  await using consumer = createConsumer(
    {
      ...{ consumerGroup: 'golden-reader', namesrvAddr: cluster.namesrvAddr },
      ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', subscriptions: [{ topic }] },
    },
    concurrently((messages, { queue }) => {
      shown.set(queue.queueId, [...(shown.get(queue.queueId) ?? []), ...messages.map(shownByUs)]);
    }),
    { logger: silentLogger },
  );
  await consumer.start();
  const wanted = samples.flatMap(expectedOf).length;
  const seen = (): number => [...shown.values()].flat().length;
  await stage.until('all golden samples', 10_000, () => seen() >= wanted);
  report.check('messages', seen(), { is: wanted });
  samples.forEach((sample, queueId) => {
    const ours = (shown.get(queueId) ?? []).toSorted((a, b) => a.queueOffset - b.queueOffset);
    const problems = expectedOf(sample).flatMap((java, i) => {
      const one = ours[i];
      return one === undefined ? ['missing'] : differences(one, asShown(java, one));
    });
    for (const problem of problems) stage.say(`${sample.name}: ${problem}`);
    report.check(sample.name, problems.length, { is: 0 });
  });
}

/** An id does not tell messages apart: a batch, or a program that sends again, may give several the same. */
export async function sharedId(stage: Stage, report: Report): Promise<void> {
  const count = 20;
  await using cluster = await startEmbeddedCluster();
  cluster.createTopic(topic, { queues: 2 });
  cluster.send(
    ...Array.from({ length: count }, (_, i) => ({
      topic,
      body: String(i),
      properties: { UNIQ_KEY: 'SAME' },
    })),
  );
  const bodies: string[] = [];
  const ids = new Set<string>();
  await using consumer = createConsumer(
    {
      ...{ consumerGroup: 'same-id', namesrvAddr: cluster.namesrvAddr },
      ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', subscriptions: [{ topic }] },
    },
    concurrently(messages => {
      for (const { body, msgId } of messages) {
        bodies.push(body.toString());
        ids.add(msgId);
      }
    }),
    { logger: silentLogger },
  );
  await consumer.start();
  await stage.until('all with the same id', 10_000, () => bodies.length >= count);
  await consumer.shutdown();
  const committed = [0, 1].map(queueId => cluster.broker().committed('same-id', topic, queueId) ?? 0);
  report.check('different ids', [...ids].join(), { is: 'SAME' });
  report.check('messages', new Set(bodies).size, { is: count });
  report.check('delivered', bodies.length, { is: count });
  report.check(
    'committed',
    committed.reduce((sum, each) => sum + each, 0),
    { is: count },
  );
}

/** What a consumer gets of a sample: an inner batch is unwrapped. */
function expectedOf({ javaDecodes = [] }: MessageSample): readonly JavaMessage[] {
  return javaDecodes.flatMap(java => java.unwrapped ?? [java]);
}

/** Java's decoder says neither the broker's name nor, before the client has looked at it, the transaction id. */
function asShown(java: JavaMessage, ours: Shown): Shown {
  const {
    bodyHex,
    sysFlagAfterDecode: sysFlag,
    bornHost,
    storeHost,
    bodyCRC: _,
    unwrapped: __,
    ...same
  } = java;
  const { preparedTransactionOffset: ___, ...rest } = same;
  const body = bodyHex === null ? undefined : Buffer.from(bodyHex, 'hex');
  return {
    ...{ ...rest, sysFlag, brokerName },
    bornHost: asUrlHost(bornHost),
    storeHost: asUrlHost(storeHost),
    bodyLength: body?.length ?? null,
    bodySha256: body === undefined ? null : sha256(body),
    transactionId: ours.transactionId,
  };
}

/** `ip|port` as `ip:port`, an IPv6 address in brackets. */
function asUrlHost(host: string): string {
  const [ip = '', port = ''] = host.split('|');
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}
