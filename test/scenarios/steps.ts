// SPDX-License-Identifier: Apache-2.0
/** How are the operations of a scenario written briefly? Each function only names the fields of one (operation.types.ts). */
import type { ListenerBehaviour, MemberOptions } from '../support/scenario/member.types.ts';
import type { Operation, OperationOf } from '../support/scenario/operation.types.ts';

export const fromFirst: MemberOptions = { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' };

export const createTopic = (topic: string, queues: number, brokers?: readonly string[]): Operation => ({
  do: 'createTopic',
  topic,
  queues,
  ...(brokers === undefined ? {} : { brokers }),
});
export const deleteTopic = (topic: string): Operation => ({ do: 'deleteTopic', topic });
export const permit = (topic: string, queues: number, perm: number): Operation => ({
  do: 'permit',
  topic,
  queues,
  perm,
});
export const growTopic = (topic: string, queues: number): Operation => ({ do: 'growTopic', topic, queues });
export const allowWriting = (topic: string, queues: number, isAllowed: boolean): Operation => ({
  do: 'allowWriting',
  topic,
  queues,
  isAllowed,
});

export const produce = (
  topic: string,
  count: number,
  how: Pick<OperationOf<'produce'>, 'tags' | 'batch' | 'delayLevel' | 'shardingKeys'> = {},
): Operation => ({ do: 'produce', topic, count, ...how });
export const produceUnreadable = (topic: string): Operation => ({ do: 'produceUnreadable', topic });
export const startLoad = (
  topic: string,
  rate: number,
  how: Pick<OperationOf<'startLoad'>, 'shardingKeys'> = {},
): Operation => ({ do: 'startLoad', topic, rate, ...how });
export const stopLoad = (topic: string): Operation => ({ do: 'stopLoad', topic });

/** A member of one topic that is done with each message at once, if nothing else is said. */
export const start = (
  member: string,
  group: string,
  topic: string,
  how: {
    readonly tags?: string;
    readonly listener?: ListenerBehaviour;
    readonly options?: MemberOptions;
    readonly consumeFrom?: string;
    readonly orderly?: boolean;
  } = {},
): Operation => ({
  do: 'startMember',
  member,
  group,
  subscriptions: [{ topic, ...(how.tags === undefined ? {} : { tags: how.tags }) }],
  listener: how.listener ?? {},
  options: how.options ?? fromFirst,
  ...(how.consumeFrom === undefined ? {} : { consumeFrom: how.consumeFrom }),
  ...(how.orderly === undefined ? {} : { orderly: how.orderly }),
});
export const changeListener = (member: string, listener: ListenerBehaviour): Operation => ({
  do: 'changeListener',
  member,
  listener,
});
export const suspend = (member: string): Operation => ({ do: 'suspendMember', member });
export const resume = (member: string): Operation => ({ do: 'resumeMember', member });
export const stop = (member: string): Operation => ({ do: 'shutdownMember', member });
export const crash = (member: string): Operation => ({ do: 'stopMember', member });
export const freeze = (member: string): Operation => ({ do: 'freezeMember', member });
export const thaw = (member: string, after: number): Operation => ({ do: 'thawMember', member, after });

/** Code 41: the locks of queues. */
export const refuseLocks = (answer: number): Operation => ({ do: 'refuseRequest', code: 41, answer });
export const acceptLocks = (): Operation => ({ do: 'acceptRequest', code: 41 });
export const takeLocks = (
  topic: string,
  group: string,
  how: Pick<OperationOf<'takeLocks'>, 'kind' | 'from'>,
): Operation => ({ do: 'takeLocks', topic, group, ...how });

export const consumed = (
  topic: string,
  group: string,
  count: OperationOf<'awaitConsumed'>['count'] = 'all',
): Operation => ({ do: 'awaitConsumed', topic, group, count });
export const more = (topic: string, group: string, count: number): Operation =>
  consumed(topic, group, { more: count });
export const deliveries = (member: string, count: number): Operation => ({
  do: 'awaitDeliveries',
  member,
  count,
});
export const event = (
  member: string,
  type: OperationOf<'awaitEvent'>['event'],
  how: Pick<OperationOf<'awaitEvent'>, 'facts' | 'times'> = {},
): Operation => ({ do: 'awaitEvent', member, event: type, ...how });
export const split = (topic: string, shares: readonly number[]): Operation => ({
  do: 'awaitSplit',
  topic,
  split: shares,
});
export const members = (group: string, names: readonly string[]): Operation => ({
  do: 'awaitMembers',
  group,
  members: names,
});
export const committed = (topic: string, group: string): Operation => ({
  do: 'awaitCommitted',
  topic,
  group,
});
export const deadLetters = (group: string, count: number): Operation => ({
  do: 'awaitDeadLetters',
  group,
  count,
});
export const checkConsumed = (topic: string, group: string, count: number): Operation => ({
  do: 'checkConsumed',
  topic,
  group,
  count,
});
export const checkCommitted = (topic: string, group: string, offsets: readonly number[]): Operation => ({
  do: 'checkCommitted',
  topic,
  group,
  offsets,
});
export const markTime = (as: string): Operation => ({ do: 'markTime', as });
export const letTimePass = (ms: number): Operation => ({ do: 'letTimePass', ms });

export const killBroker = (broker: string): Operation => ({ do: 'killBroker', broker });
export const startBroker = (broker: string): Operation => ({ do: 'startBroker', broker });
export const suspendBroker = (broker: string): Operation => ({ do: 'suspendBroker', broker });
export const resumeBroker = (broker: string): Operation => ({ do: 'resumeBroker', broker });
export const killNameServer = (nameServer: string): Operation => ({ do: 'killNameServer', nameServer });
export const startNameServer = (nameServer: string): Operation => ({ do: 'startNameServer', nameServer });
export const emptyNameServers = (): Operation => ({ do: 'emptyNameServers' });
export const fillNameServers = (): Operation => ({ do: 'fillNameServers' });
