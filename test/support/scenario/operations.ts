// SPDX-License-Identifier: Apache-2.0
/** How is each operation of a scenario done? One function a verb; every wait has a limit and says what it waited for. */
import { execute, type MessageQueue, shutdown, whenRunning } from '../../../src/index.ts';
import { settled } from './cluster-under-test.ts';
import { hasFacts } from './facts.ts';
import { ScenarioMember } from './member.ts';
import type { MemberOptions } from './member.types.ts';
import type { Operation, OperationOf } from './operation.types.ts';
import { lockNameOf, returnLocks, stranger, takeLocks } from './raw-locks.ts';
import type { World } from './world.ts';

/** For everything that is waited for. Unit: ms on the cluster's clock. */
const limit = 30_000;
/** A real broker comes up again within it, also on a machine that does much else. */
const startLimit = 120_000;
/** Brokers know when a message was stored by the ms. */
const timestampSlack = 20;

type Operations = {
  readonly [Verb in Operation['do']]: (world: World, step: OperationOf<Verb>) => Promise<void>;
};

/** Does it; resolves when its effect can be relied on. */
export function perform(world: World, step: Operation): Promise<void> {
  const operation = operations[step.do] as (world: World, step: Operation) => Promise<void>; // the table pairs each verb with its step
  return operation(world, step);
}

const operations: Operations = {
  createTopic,
  async deleteTopic({ cluster, names }, { topic }) {
    await cluster.admin.deleteTopic(names.fresh(topic));
  },
  permit: setPermission,
  growTopic: setQueues,
  allowWriting,
  produce: ({ sender }, step) => sender.produce(step),
  produceUnreadable: ({ sender }, step) => sender.produceUnreadable(step),
  startLoad: ({ sender }, step) => sender.startLoad(step),
  stopLoad: ({ sender }, { topic }) => sender.stopLoad(topic),
  startMember,
  async changeListener(world, { member, listener }) {
    world.member(member).behaviour = listener;
  },
  async suspendMember(world, { member }) {
    await command(world, member, 'consumer.suspend');
  },
  async resumeMember(world, { member }) {
    await command(world, member, 'consumer.resume');
  },
  shutdownMember,
  async stopMember(world, { member }) {
    const crashing = world.member(member);
    crashing.trace.mark({ mark: 'hardStop' });
    crashing.crashedAt = world.cluster.clock.now();
    crashing.actor.stop();
  },
  async freezeMember(world, { member }) {
    world.member(member).freezer.freeze();
  },
  async thawMember(world, { member, after }) {
    world.member(member).freezer.thaw(after);
  },
  async refuseRequest({ refusals }, { code, answer }) {
    refusals.refuse(code, answer);
  },
  async acceptRequest({ refusals }, { code }) {
    refusals.accept(code);
  },
  takeLocks: takeAllLocks,
  awaitConsumed,
  async awaitDeliveries(world, { member, count }) {
    const { name } = world.member(member);
    await world.cluster.until(
      `${count} deliveries to ${name}`,
      limit,
      () => world.book.countOf(name) >= count,
    );
  },
  async awaitEvent(world, { member, event, facts = {}, times = 1 }) {
    const { events } = world.member(member);
    const isWanted = (each: (typeof events)[number]): boolean =>
      each.type === event && hasFacts(each, facts, world.names);
    await world.cluster.until(
      `${event} of ${member}, ${times} times`,
      limit,
      () => events.filter(isWanted).length >= times,
    );
  },
  awaitSplit,
  awaitMembers,
  async awaitCommitted({ cluster, names }, { topic, group }) {
    await cluster.until(`${group} has committed all of ${topic}`, limit, async () => {
      const offsets = await cluster.admin.queueOffsets(names.fresh(topic), names.fresh(group));
      return offsets.length > 0 && offsets.every(({ committed, max }) => (committed ?? 0) === max);
    });
  },
  async checkConsumed(world, { topic, group, count }) {
    const { size } = world.book.done(group, topic);
    if (size !== count) throw new Error(`${size} are done`);
  },
  async checkCommitted({ cluster, names }, { topic, group, offsets }) {
    const found = await cluster.admin.queueOffsets(names.fresh(topic), names.fresh(group));
    const line = found.map(({ committed }) => committed ?? 0).join();
    if (line !== offsets.join()) throw new Error(`${line} is committed`);
  },
  async awaitDeadLetters({ cluster, names }, { group, count }) {
    await cluster.until(
      `${count} dead letters of ${group}`,
      limit,
      async () => (await cluster.admin.messageCount(names.fresh(`%DLQ%${group}`))) >= count,
    );
  },
  letTimePass: (world, { ms }) => pass(world, ms),
  async markTime(world, { as }) {
    const { clock } = world.cluster;
    await pass(world, timestampSlack);
    world.times.set(as, clock.wallNow());
    await pass(world, timestampSlack);
  },
  async killBroker(world, { broker }) {
    const server = world.broker(broker);
    await settled(world.cluster, `${broker} is killed`, limit, server.kill());
    for (const { trace } of world.members.values()) trace.mark({ mark: 'killed', address: server.address });
  },
  async startBroker(world, { broker }) {
    await settled(world.cluster, `${broker} runs`, startLimit, world.broker(broker).start());
  },
  async suspendBroker(world, { broker }) {
    world.suspend(world.broker(broker));
  },
  async resumeBroker(world, { broker }) {
    world.resume(world.broker(broker));
  },
  async killNameServer(world, { nameServer }) {
    await settled(world.cluster, `${nameServer} is killed`, limit, world.nameServer(nameServer).kill());
  },
  emptyNameServers: ({ cluster }) => cluster.emptyNameServers(),
  fillNameServers: ({ cluster }) => cluster.fillNameServers(),
  async startNameServer(world, { nameServer }) {
    await settled(world.cluster, `${nameServer} runs`, startLimit, world.nameServer(nameServer).start());
  },
};

async function createTopic(world: World, step: OperationOf<'createTopic'>): Promise<void> {
  const { topic, queues, brokers } = step;
  if (brokers === undefined) return setQueues(world, { ...step, do: 'growTopic' });
  for (const name of brokers) await world.cluster.admin.createTopic(name, world.names.fresh(topic), queues);
}

async function setQueues(
  { cluster, names }: World,
  { topic, queues }: OperationOf<'growTopic'>,
): Promise<void> {
  await cluster.setQueues(names.fresh(topic), queues);
}

const createTopicCode = 17;
const readable = 4;
const writable = 2;

function allowWriting(
  world: World,
  { topic, queues, isAllowed }: OperationOf<'allowWriting'>,
): Promise<void> {
  const perm = readable + (isAllowed ? writable : 0);
  return setPermission(world, { do: 'permit', topic, queues, perm });
}

/** The request that tools change topics by. */
async function setPermission(
  { cluster, names }: World,
  { topic, queues, perm }: OperationOf<'permit'>,
): Promise<void> {
  const fields = {
    ...{ topic: names.fresh(topic), defaultTopic: 'TBW102', readQueueNums: queues, writeQueueNums: queues },
    ...{ perm, topicFilterType: 'SINGLE_TAG', topicSysFlag: 0 },
    order: false,
  };
  for (const { name, address } of cluster.brokers) {
    const { code, remark } = await cluster.admin.request(address, { code: createTopicCode, fields });
    if (code !== 0) throw new Error(`${name} refused to change ${topic} with ${code}: ${remark}`);
  }
}

async function takeAllLocks(
  world: World,
  { topic, group, kind, from }: OperationOf<'takeLocks'>,
): Promise<void> {
  const place = { name: lockNameOf(world, group, kind), topic: world.names.fresh(topic) };
  const owner = from === undefined ? undefined : world.member(from);
  const asked = owner === undefined ? place : { ...place, queues: owner.queuesOf(place.topic) };
  if (owner !== undefined) await returnLocks(world, { ...asked, clientId: owner.clientId });
  const refused = await takeLocks(world, { ...asked, clientId: stranger });
  if (refused.length > 0) throw new Error(`somebody else has ${refused.join(', ')}`);
}

async function pass({ cluster }: World, ms: number): Promise<void> {
  const end = cluster.clock.now() + ms;
  await cluster.until(`${ms} ms`, 10 * ms + limit, () => cluster.clock.now() >= end);
}

async function startMember(world: World, step: OperationOf<'startMember'>): Promise<void> {
  if (world.members.has(step.member)) throw new Error(`${step.member} was started before`);
  const member = new ScenarioMember(world, step, consumeFrom(world, step));
  world.members.set(step.member, member);
  member.actor.start();
  await settled(world.cluster, `${step.member} runs`, limit, whenRunning(member.actor));
}

function consumeFrom({ times }: World, { consumeFrom: name }: OperationOf<'startMember'>): MemberOptions {
  if (name === undefined) return {};
  const consumeTimestamp = times.get(name);
  if (consumeTimestamp === undefined) throw new Error(`no time was marked as ${name}`);
  return { consumeFromWhere: 'CONSUME_FROM_TIMESTAMP', consumeTimestamp };
}

async function shutdownMember(world: World, { member }: OperationOf<'shutdownMember'>): Promise<void> {
  const stopping = world.member(member);
  stopping.report = await settled(world.cluster, `${member} has stopped`, limit, shutdown(stopping.actor));
  stopping.trace.mark({ mark: 'stopped' });
}

async function command(
  world: World,
  member: string,
  type: 'consumer.suspend' | 'consumer.resume',
): Promise<void> {
  const { actor } = world.member(member);
  await settled(world.cluster, `${type} of ${member}`, limit, execute(actor, { type }));
}

async function awaitConsumed(world: World, step: OperationOf<'awaitConsumed'>): Promise<void> {
  const { topic, group, count } = step;
  const done = (): number => world.book.done(group, topic).size;
  const goal =
    count === 'all'
      ? world.sender.numbers(topic).length
      : typeof count === 'number'
        ? count
        : done() + count.more;
  await world.cluster.until(`${goal} of ${topic} done in ${group}`, limit, () => done() >= goal);
}

async function awaitSplit(world: World, { topic, split }: OperationOf<'awaitSplit'>): Promise<void> {
  const { cluster, names } = world;
  const queues = await cluster.admin.queues(names.fresh(topic));
  await cluster.until(`${topic} shared ${split.join('/')}`, limit, () => {
    const shares = [...world.members.values()]
      .map(member => member.queuesOf(names.fresh(topic)))
      .filter(share => share.length > 0);
    const owned = new Set(shares.flat().map(placeOf));
    const sizes = shares.map(share => share.length).sort((a, b) => b - a);
    return owned.size === queues.length && sizes.join() === split.join();
  });
}

function placeOf({ brokerName, queueId }: MessageQueue): string {
  return `${brokerName}#${queueId}`;
}

async function awaitMembers(world: World, { group, members }: OperationOf<'awaitMembers'>): Promise<void> {
  const expected = members.map(name => world.member(name).clientId).sort();
  await world.cluster.until(`${group} is [${members.join(', ')}] to every broker`, limit, async () => {
    const lists = await listsOf(world, group);
    return lists.every(list => list.join() === expected.join());
  });
}

/** What each running broker has as the members of a group: client ids. */
export async function listsOf(
  { cluster, names }: World,
  group: string,
): Promise<readonly (readonly string[])[]> {
  const running = cluster.brokers.filter(({ isRunning }) => isRunning);
  return Promise.all(running.map(({ name }) => cluster.admin.consumerList(names.fresh(group), name)));
}
