// SPDX-License-Identifier: Apache-2.0
/** What does a member's listener do, and what does it write down? Behaviour comes as data; a delivery is told when it has ended. */
import type {
  Clock,
  ConsumeAnswer,
  ConsumeContext,
  MessageBatch,
  MessageExt,
  MessageQueue,
} from '../../../src/index.ts';
import type { Delivery } from '../history/deliveries.ts';
import type { ListenerBehaviour } from './member.types.ts';
import type { Names } from './names.ts';

/** One message given to a listener; topics by the scenario's names. */
export interface ScenarioDelivery extends Delivery {
  readonly until: number;
  readonly call: string;
  readonly key: string;
  readonly member: string;
  readonly group: string;
  /** How many messages the listener was given with it, itself included. */
  readonly batch: number;
  /** How long ago the message was made. Unit: ms. */
  readonly age: number;
  /** The body could be read and is the one that was sent. */
  readonly isIntact: boolean;
  /** Its next delivery comes from the same place and is another attempt: an orderly one that was suspended. */
  readonly isCounted: boolean;
}

export interface ListenerOwner {
  readonly member: string;
  readonly group: string;
  /** The member's own, by which its listener takes its time. */
  readonly clock: Clock;
  /** The cluster's, which tells when all members did something. */
  readonly time: Clock;
  readonly names: Names;
  /** Asked at each call: it may change. */
  readonly behaviour: () => ListenerBehaviour;
  /** Called when the listener has ended. */
  readonly note: (deliveries: readonly ScenarioDelivery[]) => void;
}

/** A call that has ended, but for what becomes of its messages. */
export interface Handled {
  readonly messages: MessageBatch;
  readonly behaviour: ListenerBehaviour;
  /** Index of the first message that is to fail; -1: none. */
  readonly firstBad: number;
  /** Its deliveries, done or not. */
  told(isDone: (index: number) => boolean, isCounted?: boolean): readonly ScenarioDelivery[];
}

/** What differs from call to call. */
type Place = Omit<ScenarioDelivery, 'isDone' | 'isCounted' | 'until'>;

/** The body of a message: ten digits that tell it apart, filled up a little. */
export function bodyOf(sequence: number): string {
  return `${String(sequence).padStart(10, '0')}|${'x'.repeat(53)}`;
}

export function shardingKeyOf(message: MessageExt): string {
  return message.getProperty('__SHARDINGKEY') ?? '';
}

/** The listener of a member, as `concurrently` takes it. */
export function scenarioListener(
  owner: ListenerOwner,
): (messages: MessageBatch, context: ConsumeContext) => Promise<ConsumeAnswer> {
  const handle = handlerOf(owner);
  return async (messages, context) => {
    const handled = await handle(messages, context);
    const { behaviour, firstBad } = handled;
    const { fails } = behaviour;
    const good = firstBad < 0 ? messages.length : fails?.by === 'ackIndex' ? firstBad : 0;
    owner.note(handled.told(index => index < good));
    if (firstBad < 0) return undefined;
    if (fails?.delayLevel !== undefined) context.delayLevelWhenNextConsume = fails.delayLevel;
    if (fails?.by === 'answer') return 'RECONSUME_LATER';
    if (fails?.by !== 'ackIndex') throw failure(messages, firstBad);
    context.ackIndex = firstBad - 1;
    return 'CONSUME_SUCCESS';
  };
}

/** As told: a message that fails. */
export function failure(messages: MessageBatch, index: number): Error {
  return new Error(`message ${messages[index]?.keys[0]} fails, as told`);
}

/** What every listener does first: it takes its time and looks at the messages. */
export function handlerOf(
  owner: ListenerOwner,
): (messages: MessageBatch, context: { readonly queue: MessageQueue }) => Promise<Handled> {
  let calls = 0;
  return async (messages, { queue }) => {
    const behaviour = owner.behaviour();
    calls += 1;
    const call = { at: owner.time.now(), batch: messages.length, call: `call ${calls}`, queue };
    const places = messages.map(message => placeOf(owner, message, call));
    if (behaviour.takesMs !== undefined) await pause(owner.clock, behaviour.takesMs);
    const until = owner.time.now();
    const isIntact = messages.map(isReadable);
    const firstBad = messages.findIndex(
      (message, index) => isIntact[index] === false || isToFail(behaviour, message),
    );
    return {
      ...{ messages, behaviour, firstBad },
      told: (isDone, isCounted = false) =>
        places.map((place, index) => ({
          ...place,
          ...{ until, isIntact: isIntact[index] === true, isDone: isDone(index), isCounted },
        })),
    };
  };
}

function placeOf(
  { member, group, names, time }: ListenerOwner,
  message: MessageExt,
  call: Pick<Place, 'at' | 'batch' | 'call'> & { readonly queue: MessageQueue },
): Omit<Place, 'isIntact'> {
  const { topic, keys, queueId, queueOffset, reconsumeTimes, bornTimestamp } = message;
  return {
    ...call,
    ...{ member, group, queueId, reconsumeTimes, offset: queueOffset, sequence: Number(keys[0]) },
    ...{ age: time.wallNow() - bornTimestamp, key: shardingKeyOf(message), topic: names.own(topic) },
    queue: `${names.own(call.queue.topic)}@${call.queue.brokerName}#${call.queue.queueId}`,
  };
}

function isToFail({ fails }: ListenerBehaviour, { keys, reconsumeTimes }: MessageExt): boolean {
  if (fails === undefined || (Number(keys[0]) + 1) % fails.every !== 0) return false;
  return fails.times === 'always' || reconsumeTimes < fails.times;
}

/** A body that cannot be unpacked throws when it is asked for. */
function isReadable(message: MessageExt): boolean {
  try {
    return message.body.toString() === bodyOf(Number(message.keys[0]));
  } catch {
    return false;
  }
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => {
    clock.setTimeout(resolve, ms);
  });
}
