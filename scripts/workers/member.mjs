// SPDX-License-Identifier: Apache-2.0
/**
 * One member of a group as a user would write it, told what to do by `key=value` words:
 *
 *   namesrv= group= topic=    required; several topics separated by commas
 *   name=member               instance name, and so part of the client id
 *   out=FILE                  a line per delivery: queueId offset sequence monotonicMs topic@broker reconsumeTimes ok|failed topic
 *   flush=each                each: written before the listener answers; often: in blocks, for speed
 *   wire=FILE                 a line per request that leaves the process (wire-witness.mjs)
 *   handlerMs=0               how long a message takes
 *   failEvery=0 failTimes=1   each n-th sequence number fails that often before it is done
 *   failBy=throw              throw | answer (RECONSUME_LATER)
 *   hold=SEQUENCE             that message waits for the line `release`, then fails until the line `mend`
 *   exitAfter=0               stops by itself after that many deliveries
 *   config={"json":…}         further options of the consumer
 *
 * Standard output: a line of JSON for each thing that happens, `{"event":…,"at":monotonicMs,…}`; a log line of the
 * library has no `event`. Standard input: `stop` (the end of it does the same), `release`, `mend`.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { concurrently, createConsumerActor, shutdown, whenRunning } from 'rocketmq-actors';
import { DeliveryLog } from './delivery-log.mjs';
import { monotonicMs } from './monotonic.mjs';
import { witnessWire } from './wire-witness.mjs';

const given = new Map(process.argv.slice(2).map(word => splitOnce(word, '=')));
const number = (key, fallback) => Number(given.get(key) ?? fallback);

const handlerMs = number('handlerMs', 0);
const failEvery = number('failEvery', 0);
const failTimes = number('failTimes', 1);
const failsByAnswer = given.get('failBy') === 'answer';
const held = number('hold', -1);
const exitAfter = number('exitAfter', 0);
const log = new DeliveryLog(given.get('out'), given.get('flush') === 'often');
if (given.has('wire')) witnessWire(given.get('wire'));

function tell(event, facts = {}) {
  process.stdout.write(`${JSON.stringify({ event, at: monotonicMs(), ...facts })}\n`);
}

let release = () => {};
const released = new Promise(resolve => {
  release = resolve;
});
let mended = false;
let delivered = 0;

const actor = createConsumerActor({
  consumerGroup: given.get('group'),
  namesrvAddr: given.get('namesrv'),
  instanceName: given.get('name') ?? 'member',
  subscriptions: (given.get('topic') ?? '').split(',').map(topic => ({ topic })),
  listener: concurrently(async ([message], { queue }) => {
    const at = monotonicMs();
    if (delivered === 0) tell('firstDelivery', { msSinceStart: at - startedAt });
    delivered += 1;
    const sequence = sequenceOf(message.body);
    if (handlerMs > 0) await pause(handlerMs);
    const fails =
      sequence === held ? await isStillBroken(message) : isToFail(sequence, message.reconsumeTimes);
    log.write(queue, message, sequence, at, fails ? 'failed' : 'ok');
    if (exitAfter > 0 && delivered >= exitAfter) void stop();
    if (!fails) return undefined;
    if (failsByAnswer) return 'RECONSUME_LATER';
    throw new Error(`sequence ${sequence} fails at attempt ${message.reconsumeTimes + 1}, as told`);
  }),
  ...JSON.parse(given.get('config') ?? '{}'),
});

/** The ten digits that each body begins with. */
function sequenceOf(body) {
  let sequence = 0;
  for (let i = 0; i < 10; i++) sequence = sequence * 10 + (body[i] ?? Number.NaN) - 48;
  return sequence;
}

function isToFail(sequence, reconsumeTimes) {
  return failEvery > 0 && sequence % failEvery === 0 && reconsumeTimes < failTimes;
}

async function isStillBroken({ reconsumeTimes, queueId, queueOffset }) {
  tell('holding', { reconsumeTimes, queueId, queueOffset });
  await released;
  return !mended;
}

actor.on('consumer.stateChanged', ({ from, to }) => tell('state', { from, to }));
actor.on('queue.assigned', ({ queue, offset }) => tell('assigned', { queue, offset }));
actor.on('queue.revoked', ({ queue, reason }) => tell('revoked', { queue, reason }));
actor.on('offset.corrected', ({ queue, from, to, reason }) => tell('corrected', { queue, from, to, reason }));
actor.on('message.retried', ({ queue, msgId, attempt, delayLevel }) =>
  tell('retried', { queue, msgId, attempt, delayLevel }),
);
actor.on('connection.lost', ({ address, role, error }) => tell('lost', { address, role, error }));
actor.on('connection.restored', ({ address, role }) => tell('restored', { address, role }));
actor.on('fault', ({ error, actor: where }) => tell('fault', { where, error, kind: error.kind }));

const input = createInterface({ input: process.stdin });
input.on('line', line => {
  if (line === 'release') release();
  else if (line === 'mend') mended = true;
  else void stop();
});
input.on('close', () => void stop());

const startedAt = monotonicMs();
tell('starting');
actor.start();
whenRunning(actor).then(
  () => tell('running', { msSinceStart: monotonicMs() - startedAt }),
  error => {
    tell('rejected', { error, kind: error.kind, msSinceStart: monotonicMs() - startedAt });
    input.close(); // from here on nothing of ours keeps the process alive
    process.stdin.destroy();
  },
);

let stopping = false;
async function stop() {
  if (stopping) return;
  stopping = true;
  tell('stopping');
  const report = await shutdown(actor);
  log.close();
  tell('stopped', { report, peakMemoryMb: peakMemoryMb() });
  input.close();
  process.stdin.destroy();
}

/** VmHWM: the most memory this process ever had in use. */
function peakMemoryMb() {
  const [, kib] = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Math.round(Number(kib) / 102.4) / 10;
}

function splitOnce(word, separator) {
  const at = word.indexOf(separator);
  return [word.slice(0, at), word.slice(at + 1)];
}
