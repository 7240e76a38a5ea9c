// SPDX-License-Identifier: Apache-2.0
/**
 * One member of a group as a user would write it, told what to do by `key=value` words:
 *
 *   namesrv= group= topic=    required; several topics separated by commas
 *   name=member               for the eye
 *   instance=NAME             instance name, and so part of the client id
 *   orderly=                  queue | shardingKey: an orderly listener, in the order of that
 *   out=FILE                  a line per delivery:
 *                             queueId offset sequence monotonicMs topic@broker reconsumeTimes begun|ok|failed topic untilMs call key
 *   flush=each                each: written before the listener answers, in an orderly one also when it begins;
 *                             often: in blocks, for speed
 *   wire=FILE                 a line per request that is written to a socket (wire-witness.mjs)
 *   refuse=                   CODE:ANSWER, such as 41:16: requests of that code are answered so here (wire-refusal.mjs)
 *   handlerMs=0               how long a message takes
 *   failEvery=0 failTimes=1   each n-th sequence number fails that often before it is done
 *   failBy=throw              throw | answer (RECONSUME_LATER, orderly: SUSPEND_CURRENT_QUEUE_A_MOMENT)
 *   hold=SEQUENCE             that message waits for the line `release`, then fails until the line `mend`
 *   commitEvery=0             context.commit() with each n-th offset of a queue; wants enableAutoCommit: false
 *   exitAfter=0               stops by itself after that many deliveries
 *   inspect=URL               shows itself to the Stately inspector page there, if there is one
 *   config={"json":…}         further options of the consumer
 *
 * Standard output: a line of JSON for each thing that happens, `{"event":…,"at":monotonicMs,…}`; a log line of the
 * library has no `event`. Standard input: `stop` (the end of it does the same), `release`, `mend`.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { concurrently, createConsumerActor, orderly, shutdown, whenRunning } from 'rocketmq-actors';
import { statelyBridge } from 'rocketmq-actors/inspect';
import { DeliveryLog } from './delivery-log.mjs';
import { monotonicMs } from './monotonic.mjs';
import { pullStates } from './pull-states.mjs';
import { refuse } from './wire-refusal.mjs';
import { witnessWire } from './wire-witness.mjs';

const given = new Map(process.argv.slice(2).map(word => splitOnce(word, '=')));
const number = (key, fallback) => Number(given.get(key) ?? fallback);

const handlerMs = number('handlerMs', 0);
const failEvery = number('failEvery', 0);
const failTimes = number('failTimes', 1);
const failsByAnswer = given.get('failBy') === 'answer';
const orderBy = given.get('orderly');
const notNow = orderBy === undefined ? 'RECONSUME_LATER' : 'SUSPEND_CURRENT_QUEUE_A_MOMENT';
const held = number('hold', -1);
const exitAfter = number('exitAfter', 0);
const commitEvery = number('commitEvery', 0);
const inBlocks = given.get('flush') === 'often';
const log = new DeliveryLog(given.get('out'), inBlocks);
if (given.has('refuse')) refuse(...given.get('refuse').split(':').map(Number));
if (given.has('wire')) witnessWire(given.get('wire')); // sees what is refused too

function tell(event, facts = {}) {
  process.stdout.write(`${JSON.stringify({ event, at: monotonicMs(), ...facts })}\n`);
}

let release = () => {};
const released = new Promise(resolve => {
  release = resolve;
});
let mended = false;
let delivered = 0;

const actor = createConsumerActor(
  {
    consumerGroup: given.get('group'),
    namesrvAddr: given.get('namesrv'),
    instanceName: given.get('instance') ?? given.get('name') ?? 'member',
    subscriptions: (given.get('topic') ?? '').split(',').map(topic => ({ topic })),
    ...(orderBy === undefined
      ? { listener: concurrently(consume) }
      : { listener: orderly(consume), orderBy }),
    ...JSON.parse(given.get('config') ?? '{}'),
  },
  given.has('inspect') ? { inspect: statelyBridge({ url: given.get('inspect') }).inspect } : {},
);

async function consume([message], context) {
  const { queue } = context;
  const call = { queue, at: monotonicMs(), call: delivered };
  if (delivered === 0) tell('firstDelivery', { msSinceStart: call.at - startedAt });
  delivered += 1;
  const sequence = sequenceOf(message.body);
  if (orderBy !== undefined) {
    call.key = message.getProperty('__SHARDINGKEY');
    if (!inBlocks) log.write(call, message, sequence, 'begun', '-');
  }
  if (handlerMs > 0) await pause(handlerMs);
  const fails = sequence === held ? await isStillBroken(message) : isToFail(sequence, message.reconsumeTimes);
  log.write(call, message, sequence, fails ? 'failed' : 'ok', monotonicMs());
  if (exitAfter > 0 && delivered >= exitAfter) void stop();
  if (!fails) {
    if (commitEvery > 0 && message.queueOffset % commitEvery === commitEvery - 1) context.commit();
    return undefined;
  }
  if (failsByAnswer) return notNow;
  throw new Error(`sequence ${sequence} fails at attempt ${message.reconsumeTimes + 1}, as told`);
}

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
actor.on('message.deadLettered', ({ queue, msgId, reason }) =>
  tell('deadLettered', { queue, msgId, reason }),
);
const flowClosed = {};
actor.on('flow.closed', ({ scope, cause, queue }) => {
  flowClosed[`${scope}/${cause}`] = (flowClosed[`${scope}/${cause}`] ?? 0) + 1;
  // Told once for each cause, with the states that follow from it.
  if (flowClosed[`${scope}/${cause}`] === 1)
    setImmediate(() => tell('flowClosed', { scope, cause, queue, pulls: pullStates(actor) }));
});
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
  tell('stopped', { report, peakMemoryMb: peakMemoryMb(), flowClosed });
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
