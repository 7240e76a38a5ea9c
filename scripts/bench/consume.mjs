// SPDX-License-Identifier: Apache-2.0
// One benchmark run of our consumer, as a user's program: reads `count` messages, prints one line of JSON, stops in order.
//   node scripts/bench/consume.mjs namesrv=127.0.0.1:9876 topic=orders group=g1 count=1000000 [handler=message|batch]
import { readFileSync } from 'node:fs';
import { concurrently, createConsumerActor, shutdown, whenRunning } from 'rocketmq-actors';

const options = new Map(process.argv.slice(2).map(argument => argument.split('=', 2)));
const count = Number(options.get('count'));
const perBatch = options.get('handler') === 'batch';

let seen = 0;
let firstAt = 0;
let checksum = 0;
const { promise: finished, resolve: finish } = withResolvers();

const listener = concurrently(async messages => {
  if (seen === 0) firstAt = performance.now();
  for (const message of messages) checksum = (checksum + (message.body[9] ?? 0)) | 0;
  seen += messages.length;
  if (seen >= count) finish(performance.now());
});

const actor = createConsumerActor({
  consumerGroup: options.get('group'),
  namesrvAddr: options.get('namesrv'),
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  consumeMessageBatchMaxSize: perBatch ? 32 : 1,
  subscriptions: [{ topic: options.get('topic') }],
  listener,
});
actor.on('fault', ({ error }) => console.error(error.message));
const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
actor.start();
await whenRunning(actor);
const lastAt = await finished;
const cpu = process.cpuUsage(cpuBefore);
const report = await shutdown(actor);
const ms = lastAt - firstAt;
console.log(
  JSON.stringify({
    count: seen,
    ms: Math.round(ms),
    rate: Math.round((seen * 1000) / ms),
    firstMessageMs: Math.round(firstAt - startedAt),
    cpuMicrosPerMessage: Number(((cpu.user + cpu.system) / seen).toFixed(3)),
    peakMemoryMb: peakMemoryMb(),
    clean: report.clean,
    checksum,
  }),
);

/** VmHWM: the most memory this process ever had in use. */
function peakMemoryMb() {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Math.round(Number(kib) / 1024);
}

function withResolvers() {
  let resolve;
  const promise = new Promise(done => {
    resolve = done;
  });
  return { promise, resolve };
}
