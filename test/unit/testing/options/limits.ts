// SPDX-License-Identifier: Apache-2.0
/** What do the options of limits and logging change? */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConsumeResult, createProducer } from '../../../../src/index.ts';
import type { Effect, Stage } from './effect.ts';

const index = join(import.meta.dirname, '../../../../src/index.ts');
const root = join(import.meta.dirname, '../../../..');

/** Whether the copy of a failed message of 10,000 bytes is stored smaller than that. */
async function isCopySmall(stage: Stage): Promise<boolean> {
  stage.cluster.interfere({ request: 'consumerSendMsgBack' }, { kind: 'answer', code: 1 });
  stage.send(1, () => 'x'.repeat(10_000));
  await stage.start();
  const copies = () => stage.cluster.requests({ request: 'sendMessageV2' });
  await stage.until(() => copies().length > 0);
  const compressed = 1;
  return (Number(copies()[0]?.fields['f']) & compressed) !== 0;
}

const copied = {
  listener: () => ConsumeResult.RECONSUME_LATER,
  observe: isCopySmall,
  byDefault: true,
  changed: false,
};

export const limitEffects = {
  enableMessageCompression: { ...copied, change: { enableMessageCompression: false } },
  compressMsgBodyOverHowmuch: { ...copied, change: { compressMsgBodyOverHowmuch: 100_000 } },
  retryTimesWhenSendAsyncFailed: {
    cluster: { brokers: 3 },
    listener: () => ConsumeResult.RECONSUME_LATER,
    change: { retryTimesWhenSendAsyncFailed: 0 },
    observe: async stage => {
      stage.cluster.createTopic('%RETRY%billing', { queues: 1 });
      stage.cluster.interfere({ request: 'consumerSendMsgBack' }, { kind: 'answer', code: 1 });
      stage.cluster.interfere({ request: 'sendMessageV2' }, { kind: 'answer', code: 1 });
      stage.send(1);
      await stage.start();
      await stage.until(() => stage.count('consumerSendMsgBack') > 0);
      await stage.pass(1000);
      return stage.cluster.requests({ request: 'sendMessageV2' }).length;
    },
    byDefault: 3,
    changed: 1,
  },
  maxFrameSize: {
    change: { maxFrameSize: 1 },
    observe: async stage => {
      stage.send(1, () => 'x'.repeat(2 * 1024 * 1024));
      stage.make().start();
      await stage.pass(3000);
      return [stage.deliveries.length, stage.all('connection.lost').length > 0];
    },
    byDefault: [1, false],
    changed: [0, true],
  },
  maxBodySize: {
    change: { maxBodySize: 1 },
    observe: async stage => {
      const { cluster } = stage;
      await using producer = createProducer({ namesrvAddr: cluster.namesrvAddr }, { clock: cluster.clock });
      await cluster.passUntil(producer.start());
      await cluster.passUntil(producer.send({ topic: 'orders', body: Buffer.alloc(2 * 1024 * 1024, 'x') }));
      await stage.start();
      await stage.pass(5000);
      return [stage.deliveries.length, stage.all('message.retried').length]; // reading the body throws in the listener
    },
    byDefault: [1, 0],
    changed: [0, 1],
  },
  logLevel: {
    change: { logLevel: 'error' },
    observe: async stage => {
      const change = stage.change;
      const program = `
        import { createConsumerActor } from ${JSON.stringify(index)};
        createConsumerActor({ consumerGroup: 'g', namesrvAddr: 'a:1', revokeTimeout: 10, ...${JSON.stringify(change)} });
      `;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', '--input-type=module', '-e', program],
        { cwd: root },
      );
      return stdout.includes('very short');
    },
    byDefault: true,
    changed: false,
  },
} satisfies Readonly<Record<string, Effect>>;
