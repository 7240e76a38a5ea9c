// SPDX-License-Identifier: Apache-2.0
/** Bytes by which other clients crashed or dropped messages: what do they do here? docs/peer-bugs.md. */
import { afterEach, expect, it } from 'vitest';
import { RequestCode } from '../../src/protocol/codes.ts';
import { encodeFrame } from '../../src/protocol/frame.ts';
import type { Dialer, SocketHandlers } from '../../src/transport/ports.ts';
import { recordOf } from '../support/builders.ts';
import { ConsumerKit, type KitOptions } from '../support/consumer-kit.ts';
import type { Reply } from '../support/scripted-cluster.ts';
import { committed, firstQueue, numbers, offsetsDelivered, oneQueue } from './kit.ts';

const kits: ConsumerKit[] = [];
afterEach(() => {
  for (const kit of kits.splice(0)) kit.actor.stop();
});

function consumer(options: KitOptions = {}): ConsumerKit {
  const kit = new ConsumerKit({ cluster: oneQueue, ...options });
  kits.push(kit);
  return kit;
}

function found(body: Buffer, next: number): Reply {
  return {
    fields: {
      nextBeginOffset: String(next),
      minOffset: '0',
      maxOffset: String(next),
      suggestWhichBrokerId: '0',
    },
    body,
  };
}

it('apache/rocketmq#10911: a body that holds frames of another connection is a body, whatever those frames say', async () => {
  const bodies: Buffer[] = [];
  const kit = consumer({ listener: ([message]) => void bodies.push(message.detach()) });
  const answers = numbers(1, 40).map(opaque => encodeFrame({ code: 1, flag: 1, opaque })); // of calls there may be
  const request = encodeFrame({ code: RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, opaque: 8 });
  const body = Buffer.concat([Buffer.from('{"id":1,"text":"'), ...answers, request, Buffer.from('"}')]);
  kit.cluster.on(RequestCode.PULL_MESSAGE, ({ fields }) =>
    fields['queueOffset'] === '0' ? found(recordOf(0, { body }), 1) : 'as usual',
  );
  kit.cluster.queue('orders@broker-a#0').max = 1;
  await kit.start();
  await kit.until(() => bodies.length === 1);
  kit.cluster.store(firstQueue, 1);
  await kit.until(() => bodies.length === 2);
  expect(bodies[0]?.equals(body)).toBe(true);
  expect([kit.faults, kit.all('connection.lost')]).toEqual([[], []]);
});

it('rocketmq-client-cpp#351: an answer cut short in the middle of a message delivers what is whole, and the rest is asked for again', async () => {
  const kit = consumer();
  const whole = Buffer.concat(numbers(0, 5).map(offset => recordOf(offset, { queueId: 0 })));
  let answers = 0;
  kit.cluster.on(RequestCode.PULL_MESSAGE, ({ fields }) => {
    if (fields['queueOffset'] !== '0' || answers > 0) return 'as usual';
    answers += 1;
    return found(whole.subarray(0, whole.length - 40), 5);
  });
  kit.cluster.queue('orders@broker-a#0').max = 5;
  await kit.start();
  await kit.until(() => kit.delivered.length >= 5);
  await kit.pass(10_000);
  expect(offsetsDelivered(kit)).toEqual(numbers(0, 5));
  expect(committed(kit)).toBe(5);
});

const hostile: readonly (readonly [string, Buffer])[] = [
  ['a negative length', Buffer.from('ffffffff00000000', 'hex')],
  ['a length of 2 GiB', Buffer.from('7fffffff00000000', 'hex')],
  ['a header longer than its frame', Buffer.from('0000000800fffff07b7d7b7d', 'hex')],
];
it.each(hostile)(
  'the read loop of rocketmq-client-go: %s ends the connection, and the next one is used',
  async (_, bytes) => {
    const handlers: SocketHandlers[] = [];
    const kit = consumer();
    const { dial } = kit.cluster.dialer;
    const spying: Dialer['dial'] = (address, given, options) => {
      if (address === 'broker-a:10911') handlers.push(given);
      return dial(address, given, options);
    };
    Object.assign(kit.cluster.dialer, { dial: spying });
    await kit.start();
    const { length } = handlers;
    handlers.at(-1)?.onData(bytes);
    await kit.until(() => handlers.length > length);
    kit.cluster.store(firstQueue, 3);
    await kit.until(() => kit.delivered.length === 3);
    expect(kit.all('connection.lost')).toHaveLength(1);
    expect(kit.all('queue.revoked')).toEqual([]);
  },
);
