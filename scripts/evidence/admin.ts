// SPDX-License-Identifier: Apache-2.0
/** Does the official admin tool, mqadmin 5.4.0, see a consumer of ours, and does what it asks for happen? */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Consumer,
  createConsumer,
  createProducer,
  type MessageExt,
  silentLogger,
  simple,
} from '../../src/index.ts';
import { type RocketmqJars, rocketmqJars } from '../../test/support/cluster/jars.ts';
import { type JavaTarget, mqadmin } from '../../test/support/cluster/java-programs.ts';
import { Load } from './kit/load.ts';
import type { Report } from './kit/report.ts';
import type { Evidence, Stage } from './kit/stage.ts';

const queues = 4;
/** What each reset has to take effect in. Unit: ms. */
const promptMs = 5000;

export const admin: Evidence = {
  name: 'admin',
  about:
    'mqadmin 5.4.0 sees our consumer, moves its offsets back and forth under load, nothing beyond the target skipped, and has a message consumed directly where that is allowed',
  async run(stage, report) {
    const tools: JavaTarget = {
      namesrvAddr: stage.cluster.namesrvAddr,
      jars: await rocketmqJars('5.4.0'),
    };
    const names = { topic: stage.fresh('admin'), group: stage.fresh('admin-group') };
    await stage.cluster.createTopic(names.topic, { queues });
    const trial = new Trial(stage, tools, names);
    await using load = new Load(stage, { topic: names.topic, rate: stage.pick({ full: 1000, share: 200 }) });
    await using consumer = trial.consumer;
    await consumer.start();
    await stage.until('the first messages', 30_000, () => trial.seen.length >= 100);
    await sees(trial, report);
    await resets(trial, report, load);
    await skips(trial, report);
    await load.stop();
    if (stage.size === 'full') await resetsQuiet(trial, report);
    await consumesDirectly(trial, report);
    report.check('faults', trial.faults.join('; '), { is: '' });
    report.check('stopped clean', (await consumer.shutdown()).clean, { is: true });
  },
};

interface Move {
  readonly at: number;
  readonly queueId: number;
  readonly to: number;
  readonly reason: string;
}

class Trial {
  readonly stage: Stage;
  readonly names: { readonly topic: string; readonly group: string };
  readonly consumer: Consumer;
  readonly faults: string[] = [];
  readonly moves: Move[] = [];
  readonly seen: MessageExt[] = [];
  readonly #tools: JavaTarget;

  constructor(stage: Stage, tools: JavaTarget, names: Trial['names'], allowDirectConsume = false) {
    this.stage = stage;
    this.names = names;
    this.#tools = tools;
    this.consumer = createConsumer(
      {
        ...{ consumerGroup: names.group, namesrvAddr: stage.cluster.namesrvAddr, allowDirectConsume },
        ...{ consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET', subscriptions: [{ topic: names.topic }] },
      },
      simple(message => {
        this.seen.push(message);
      }),
      { logger: silentLogger },
    );
    this.consumer.on('fault', ({ error }) => this.faults.push(error.message));
    this.consumer.on('offset.corrected', ({ queue: { queueId }, to, reason }) =>
      this.moves.push({ at: Date.now(), queueId, to, reason }),
    );
  }

  get clientId(): string {
    return this.consumer.actor.getSnapshot().context.clientId;
  }

  /** What mqadmin prints. */
  ask(...args: readonly string[]): Promise<string> {
    return this.askBy(this.#tools.jars, ...args);
  }

  async askBy(jars: RocketmqJars, ...args: readonly string[]): Promise<string> {
    const { stdout, stderr } = await mqadmin({ ...this.#tools, jars }, args);
    this.stage.say(`mqadmin ${args.join(' ')}\n${stdout}${stderr}`);
    return `${stdout}${stderr}`;
  }
}

async function sees(trial: Trial, report: Report): Promise<void> {
  const { names, clientId, stage } = trial;
  const { version } = stage.cluster;
  const progressTools = await rocketmqJars(version === '4.9.7' ? version : '5.4.0'); // 5.4.0's asks for 351, which 4.9 does not know
  // Two at a time: each is a machine of its own that wants a processor, and its patience with brokers is short.
  const [connection, progress] = await Promise.all([
    trial.ask('consumerConnection', '-g', names.group),
    trial.askBy(progressTools, 'consumerProgress', '-g', names.group),
  ]);
  const [status, ofOne] = await Promise.all([
    trial.ask('consumerStatus', '-g', names.group),
    trial.ask('consumerStatus', '-g', names.group, '-i', clientId, '-s'),
  ]);
  report.check('consumerConnection: names us', connection.includes(clientId), { is: true });
  const subscribed = connection.split('\n').map(line => line.trim().replace(/\s+/, ' '));
  report.check('consumerConnection: the subscription', subscribed.includes(`${names.topic} *`), { is: true });
  const rows = progress.split('\n').filter(line => line.startsWith(names.topic));
  report.check('consumerProgress: queues of the topic', rows.length, { is: queues });
  report.check('consumerStatus', /Rebalance (\w+)/.exec(status)?.[1] ?? 'nothing', { is: 'OK' });
  report.check('consumerStatus: same subscriptions', status.includes('Same subscription'), { is: true });
  judgeStatus(trial, report, ofOne);
}

/** The fields of one client, as the tool prints them. */
function judgeStatus({ names, stage }: Trial, report: Report, text: string): void {
  const property = (name: string): string => new RegExp(`${name}\\s*:?\\s*(\\S+)`).exec(text)?.[1] ?? '';
  report.check('status: type', property('PROP_CONSUME_TYPE'), { is: 'CONSUME_PASSIVELY' });
  report.check('status: in order', property('PROP_CONSUMEORDERLY'), { is: 'false' });
  const startedAgo = Date.now() - Number(property('PROP_CONSUMER_START_TIMESTAMP'));
  report.check('status: started in the last 5 min', startedAgo > 0 && startedAgo < 300_000, { is: true });
  report.check('status: says that Node has no threads', text.includes('no threads'), { is: true });
  const rows = text
    .split('\n')
    .map(line => line.trim().split(/\s+/))
    .filter(([first]) => first === names.topic);
  const rates = rows.find(row => row.length >= 7 && row.slice(1, 6).every(each => /^[\d.]+$/.test(each)));
  const [, pullRT, pullTPS, consumeRT, okTPS, failedTPS] = (rates ?? []).map(Number);
  stage.say(`rates: ${JSON.stringify({ pullRT, pullTPS, consumeRT, okTPS, failedTPS })}`);
  report.check('status: messages pulled a second, above 0', (pullTPS ?? 0) > 0, { is: true });
  report.check('status: messages consumed a second, above 0', (okTPS ?? 0) > 0, { is: true });
  report.check('status: messages failed a second', failedTPS ?? -1, { is: 0 });
}

/** One reset, asked for while messages come in: from when on did all queues stand where they were told to? */
async function reset(trial: Trial, report: Report, args: readonly string[]): Promise<readonly Move[]> {
  const { moves, names, stage } = trial;
  moves.length = 0;
  trial.seen.length = 0;
  const [command = '', ...rest] = args;
  let endedAt = 0;
  const asked = trial.ask(command, '-g', names.group, '-t', names.topic, ...rest).then(() => {
    endedAt = Date.now();
  });
  await asked;
  const movedQueues = (): number => new Set(moves.map(({ queueId }) => queueId)).size;
  await stage.until('each queue has moved', 30_000, () => movedQueues() >= queues).catch(() => {}); // told below
  const last = moves.at(-1)?.at ?? Number.POSITIVE_INFINITY;
  report.check('queues moved', movedQueues(), { is: queues });
  const ms = Math.max(0, last - endedAt);
  report.speed('ms from the command’s end until they had', ms, { atMost: promptMs });
  return [...moves];
}

/** Of what lies between where each queue was sent to and where it is now: what was not delivered? */
function skipped(trial: Trial, moves: readonly Move[]): number {
  const { names, consumer, seen } = trial;
  let missing = 0;
  for (const { queueId, to } of moves) {
    const end = consumer
      .getAssignedQueues()
      .find(({ queue }) => queue.queueId === queueId && queue.topic === names.topic)?.commitPoint;
    const offsets = new Set(seen.filter(each => each.queueId === queueId).map(each => each.queueOffset));
    for (let offset = to; offset < (end ?? to); offset++) if (!offsets.has(offset)) missing++;
  }
  return missing;
}

async function resets(trial: Trial, report: Report, load: Load): Promise<void> {
  const { stage } = trial;
  const beforeMs = stage.pick({ full: 20_000, share: 4000 });
  const back = report.part('back');
  const target = Date.now() - beforeMs;
  const moved = await reset(trial, back, ['resetOffsetByTime', '-s', String(target)]);
  await pause(2000);
  back.check('skipped beyond the target', skipped(trial, moved), { is: 0 });
  back.check('delivered again', trial.seen.filter(each => each.storeTimestamp < Date.now() - 2000).length, {
    atLeast: 10,
  });
  const forth = report.part('forth');
  const sentBefore = load.sent;
  const on = await reset(trial, forth, ['resetOffsetByTime', '-s', 'now']);
  await pause(1000);
  forth.check('skipped beyond the target', skipped(trial, on), { is: 0 });
  forth.check('messages sent meanwhile', load.sent - sentBefore, { atLeast: 10 });
}

/** Without any traffic a broker of 5.2 and later tells nobody before the pull ends that it holds: the consumer looks itself. */
async function resetsQuiet(trial: Trial, report: Report): Promise<void> {
  const part = report.part('quiet');
  await pause(2000);
  const start = String(Date.now() - 60_000);
  const moved = await reset(trial, part, ['resetOffsetByTime', '-s', start]);
  await pause(2000);
  part.check('skipped beyond the target', skipped(trial, moved), { is: 0 });
}

async function skips(trial: Trial, report: Report): Promise<void> {
  const part = report.part('skipAccumulatedMessage');
  const { names, stage } = trial;
  const before = await stage.cluster.admin.queueOffsets(names.topic);
  const moved = await reset(trial, part, ['skipAccumulatedMessage']);
  const past = moved.filter(({ queueId, to }) =>
    before.some(each => each.queueId === queueId && to >= each.max),
  );
  part.check('queues past what was there', past.length, { is: queues });
  await pause(1000);
  part.check('skipped beyond the target', skipped(trial, moved), { is: 0 });
}

async function consumesDirectly(trial: Trial, report: Report): Promise<void> {
  const { stage, names, clientId } = trial;
  const producer = createProducer({ namesrvAddr: stage.cluster.namesrvAddr, producerGroup: 'admin' });
  await producer.start();
  const {
    offsetMsgIds: [offsetMsgId = ''],
  } = await producer.send({ topic: names.topic, body: 'by hand' });
  await producer.shutdown();
  stage.say(offsetMsgId);
  const part = report.part('directly');
  const args = ['-i', offsetMsgId, '-t', names.topic];
  await pause(1000);
  trial.seen.length = 0;
  const refusal = await trial.ask('queryMsgById', ...args, '-g', names.group, '-d', clientId);
  part.check('refused by default', refusal.includes('RMQ_DIRECT_CONSUME_REFUSED'), { is: true });
  part.check('messages the handler saw', trial.seen.length, { is: 0 });
  const group = stage.fresh('admin-direct');
  const tools = { namesrvAddr: stage.cluster.namesrvAddr, jars: await rocketmqJars('5.4.0') };
  const open = new Trial(stage, tools, { ...names, group }, true);
  await using consumer = open.consumer;
  await consumer.start();
  await stage.until('the backlog', 30_000, () => open.seen.some(({ body }) => body.toString() === 'by hand'));
  await pause(1000);
  const before = open.seen.length;
  const result = await open.ask('queryMsgById', ...args, '-g', group, '-d', open.clientId);
  part.check('result where it is allowed', /consumeResult=(\w+)/.exec(result)?.[1] ?? 'none', {
    is: 'CR_SUCCESS',
  });
  part.check(
    'messages the handler saw then',
    open.seen
      .slice(before)
      .map(({ body }) => body.toString())
      .join(', '),
    { is: 'by hand' },
  );
  part.check('faults', open.faults.join('; '), { is: '' });
}
