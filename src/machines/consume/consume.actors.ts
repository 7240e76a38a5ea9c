// SPDX-License-Identifier: Apache-2.0
/** Which plain code calls the listeners of a queue, and how does it tell the chart what happened? */
import { ConcurrentDispatcher } from '../../listeners/concurrent-dispatcher.ts';
import type { Dispatcher } from '../../listeners/dispatcher.ts';
import { OrderlyDispatcher } from '../../listeners/orderly-dispatcher.ts';
import type { Receiver } from '../shared/refs.ts';
import { concurrentListener, laneOf, orderlyListener } from './consume.logic.ts';
import type { ConsumeEvent, ConsumeInput } from './consume.types.ts';

/** The dispatcher of this order; it hears of arriving messages by itself. */
export function makeDispatcher(input: ConsumeInput, self: Receiver<ConsumeEvent>): Dispatcher {
  const dispatcher = input.order === 'concurrent' ? concurrent(input) : inOrder(input, self);
  input.owned.whenWorkArrives(wasEmpty => {
    if (wasEmpty && !dispatcher.isOpen) self.send({ type: 'work.arrived' });
    else dispatcher.pump();
  });
  return dispatcher;
}

function concurrent({ owned, slots, batchSize, port, parent }: ConsumeInput): Dispatcher {
  const dispatcher: ConcurrentDispatcher = new ConcurrentDispatcher(owned, slots, batchSize, {
    listenerOf: message => concurrentListener(port.listenerOf(message)),
    mayDeliver: () => port.mayDeliver(),
    stopSignal: port.stopSignal,
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

function inOrder(input: ConsumeInput, self: Receiver<ConsumeEvent>): Dispatcher {
  const { owned, slots, port, parent, order } = input;
  const dispatcher: OrderlyDispatcher = new OrderlyDispatcher(owned, slots, input, {
    listenerOf: message => orderlyListener(port.listenerOf(message)),
    laneOf: laneOf(order),
    mayDeliver: () => port.mayDeliver(),
    lockIsLive: () => port.lockIsLive(),
    stopSignal: port.stopSignal,
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
