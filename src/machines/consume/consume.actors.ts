// SPDX-License-Identifier: Apache-2.0
/** Which plain code calls the listeners of a queue and times their calls, and how does it tell the chart what happened? */
import { ConcurrentDispatcher } from '../../listeners/concurrent-dispatcher.ts';
import type { Dispatcher } from '../../listeners/dispatcher.ts';
import { OrderlyDispatcher } from '../../listeners/orderly-dispatcher.ts';
import type { MessageExt } from '../../model/message.ts';
import type { Receiver } from '../shared/refs.ts';
import { concurrentListener, laneOf, orderlyListener } from './consume.logic.ts';
import type { ConsumeContext, ConsumeEvent, ConsumeInput } from './consume.types.ts';

/** The actor of the chart; a call may tell of itself when it has ended. */
interface ConsumeSelf extends Receiver<ConsumeEvent> {
  getSnapshot(): { readonly status: string };
}

/** The dispatcher of this order; it hears of arriving messages by itself. */
export function makeDispatcher(input: ConsumeInput, self: ConsumeSelf): Dispatcher {
  const dispatcher = input.order === 'concurrent' ? concurrent(input, self) : inOrder(input, self);
  input.owned.whenWorkArrives(wasEmpty => {
    dispatcher.noteArrival();
    if (wasEmpty && !dispatcher.isOpen) self.send({ type: 'work.arrived' });
    else dispatcher.pump();
  });
  return dispatcher;
}

/** Calls of this queue, and of queues that were given up, that are older than consumeTimeout. */
export function sweepCalls({ dispatcher, port }: ConsumeContext): void {
  const awakeMs = port.awakeMs();
  dispatcher.sweep(awakeMs);
  port.outlived.sweep(awakeMs);
}

/** What both orders need in the same way. */
function commonPorts(input: ConsumeInput, self: ConsumeSelf) {
  const { port, parent } = input;
  return {
    mayDeliver: () => port.mayDeliver(),
    stopSignal: port.stopSignal,
    watch: port.watch,
    now: () => port.now(),
    onGather: (ms: number) => self.send({ type: 'batch.gathering', ms }),
    onStuck: ({ msgId }: MessageExt, runningMs: number) => {
      if (self.getSnapshot().status === 'active') parent.send({ type: 'consume.stuck', msgId, runningMs });
    },
  };
}

function concurrent(input: ConsumeInput, self: ConsumeSelf): Dispatcher {
  const { owned, slots, port, parent } = input;
  const dispatcher: ConcurrentDispatcher = new ConcurrentDispatcher(owned, slots, input, {
    ...commonPorts(input, self),
    listenerOf: message => concurrentListener(port.listenerOf(message)),
    onMisuse: error => parent.send({ type: 'consume.misused', error }),
    onFailed: failed =>
      port.sendBack(
        failed,
        one => dispatcher.settle(one),
        one => dispatcher.redeliver(one),
      ),
  });
  return dispatcher;
}

function inOrder(input: ConsumeInput, self: ConsumeSelf): Dispatcher {
  const { owned, slots, port, parent, order } = input;
  const dispatcher: OrderlyDispatcher = new OrderlyDispatcher(owned, slots, input, {
    ...commonPorts(input, self),
    listenerOf: message => orderlyListener(port.listenerOf(message)),
    laneOf: laneOf(order),
    lockIsLive: () => port.lockIsLive(),
    outlived: port.outlived,
    onLockMissed: () => self.send({ type: 'lock.missed' }),
    onRest: (rest, ms) => self.send({ type: 'lane.rested', rest, ms }),
    onListenerError: error => parent.send({ type: 'fault', error, actor: owned.key }),
    onMisuse: error => parent.send({ type: 'consume.misused', error }),
    onFailed: failed =>
      port.sendBack(
        failed,
        one => dispatcher.settle(one),
        one => dispatcher.redeliver(one),
      ),
  });
  return dispatcher;
}
