// SPDX-License-Identifier: Apache-2.0
/**
 * One member in a process of its own that writes down what passes its ports. Words: namesrv= group= topic= name= file=.
 * Says `running`, `working`, `stopped` on standard output; the end of standard input stops it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  concurrently,
  createConsumerActor,
  type MessageExt,
  shutdown,
  silentLogger,
  whenRunning,
} from '../../src/index.ts';
import { tcpDialer } from '../../src/transport/tcp-dialer.ts';
import { PortTrace } from '../../test/support/port-trace.ts';

/** Long enough that a queue is given up in the middle of a message. Unit: ms. */
const handlerMs = 30;

const given = new Map(process.argv.slice(2).map(word => word.split('=', 2) as [string, string]));
const word = (name: string): string => given.get(name) ?? '';
/** The same moment 0 in all processes: wall time, so that recordings can be laid side by side. */
const trace = new PortTrace(() => performance.timeOrigin + performance.now(), Number(word('epoch')));

const actor = createConsumerActor(
  {
    ...{ consumerGroup: word('group'), namesrvAddr: word('namesrv'), instanceName: word('name') },
    clientIp: '10.0.0.7', // a recording is kept, and shall not tell where it was made
    ...{ subscriptions: [{ topic: word('topic') }], consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
    consumeConcurrency: 2,
    listener: concurrently(trace.listener(consume)),
  },
  { dialer: trace.dialer(tcpDialer()), logger: silentLogger },
);

let isFirst = true;
async function consume([message]: readonly MessageExt[]): Promise<void> {
  if (isFirst) console.log('working');
  isFirst = false;
  await pause(handlerMs);
  const failsOnce = message?.body.toString() === 'fails once' && message.reconsumeTimes === 0;
  if (failsOnce) throw new Error('fails once, as told');
  if (message?.body.toString() === 'fails once') console.log('retried');
}

function openConnections(): number {
  const count = (kind: 'open' | 'close'): number => trace.entries.filter(entry => entry.kind === kind).length;
  return count('open') - count('close');
}

await whenRunning(actor.start());
console.log('running');
process.stdin.resume().once('end', () => {
  void shutdown(actor).then(async () => {
    trace.mark({ mark: 'stopped' });
    for (let i = 0; i < 100 && openConnections() > 0; i++) await pause(10); // sockets say so a little later
    await trace.save(word('file'));
    console.log('stopped');
  });
});
