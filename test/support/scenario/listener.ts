// SPDX-License-Identifier: Apache-2.0
/** What does a member's listener do, and what does it write down? Behaviour comes as data; a delivery is told when it has ended. */
import type { Clock, ConsumeAnswer, ConsumeContext, MessageBatch, MessageExt } from '../../../src/index.ts';
import type { Delivery } from '../history/deliveries.ts';
import type { ListenerBehaviour } from './member.types.ts';
import type { Names } from './names.ts';

/** One message given to a listener; topics by the scenario's names. */
export interface ScenarioDelivery extends Delivery {
  readonly member: string;
  readonly group: string;
  /** How many messages the listener was given with it, itself included. */
  readonly batch: number;
  /** How long ago the message was made. Unit: ms. */
  readonly age: number;
  /** The body could be read and is the one that was sent. */
  readonly isIntact: boolean;
}

export interface ListenerOwner {
  readonly member: string;
  readonly group: string;
  readonly clock: Clock;
  readonly names: Names;
  /** Asked at each call: it may change. */
  readonly behaviour: () => ListenerBehaviour;
  /** Called when the listener has ended. */
  readonly note: (deliveries: readonly ScenarioDelivery[]) => void;
}

/** The body of a message: ten digits that tell it apart, filled up a little. */
export function bodyOf(sequence: number): string {
  return `${String(sequence).padStart(10, '0')}|${'x'.repeat(53)}`;
}

/** The listener of a member, as `concurrently` takes it. */
export function scenarioListener(
  owner: ListenerOwner,
): (messages: MessageBatch, context: ConsumeContext) => Promise<ConsumeAnswer> {
  return async (messages, context) => {
    const behaviour = owner.behaviour();
    const at = owner.clock.now();
    const places = messages.map(message => placeOf(owner, message, context));
    if (behaviour.takesMs !== undefined) await pause(owner.clock, behaviour.takesMs);
    const intact = messages.map(isIntact);
    const firstBad = messages.findIndex(
      (message, index) => intact[index] === false || isToFail(behaviour, message),
    );
    const { fails } = behaviour;
    const good = firstBad < 0 ? messages.length : fails?.by === 'ackIndex' ? firstBad : 0;
    owner.note(
      places.map((place, index) => ({
        ...place,
        ...{ at, batch: messages.length, isIntact: intact[index] === true, isDone: index < good },
      })),
    );
    if (firstBad < 0) return undefined;
    if (fails?.delayLevel !== undefined) context.delayLevelWhenNextConsume = fails.delayLevel;
    if (fails?.by === 'answer') return 'RECONSUME_LATER';
    if (fails?.by !== 'ackIndex') throw new Error(`message ${messages[firstBad]?.keys[0]} fails, as told`);
    context.ackIndex = firstBad - 1;
    return 'CONSUME_SUCCESS';
  };
}

function placeOf(
  { member, group, names, clock }: ListenerOwner,
  { topic, keys, queueId, queueOffset, reconsumeTimes, bornTimestamp }: MessageExt,
  { queue }: ConsumeContext,
): Omit<ScenarioDelivery, 'at' | 'batch' | 'isIntact' | 'isDone'> {
  return {
    ...{ member, group, queueId, reconsumeTimes, offset: queueOffset, sequence: Number(keys[0]) },
    age: clock.wallNow() - bornTimestamp,
    topic: names.own(topic),
    queue: `${names.own(queue.topic)}@${queue.brokerName}#${queue.queueId}`,
  };
}

function isToFail({ fails }: ListenerBehaviour, { keys, reconsumeTimes }: MessageExt): boolean {
  if (fails === undefined || (Number(keys[0]) + 1) % fails.every !== 0) return false;
  return fails.times === 'always' || reconsumeTimes < fails.times;
}

/** A body that cannot be unpacked throws when it is asked for. */
function isIntact(message: MessageExt): boolean {
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
