// SPDX-License-Identifier: Apache-2.0
/**
 * What does one listener call outside of any queue come to, in the broker's words?
 * Source: consumeMessageDirectly of ConsumeMessageConcurrentlyService and ConsumeMessageOrderlyService.
 */
import { ConsumerError, toError } from '../../../errors/errors.ts';
import { CallSignals } from '../../../listeners/call-signals.ts';
import { ConcurrentContext, type ContextOwner } from '../../../listeners/consume-context.ts';
import type { Listener, MessageBatch } from '../../../listeners/listener.ts';
import { OrderlyCallContext } from '../../../listeners/orderly-context.ts';
import { listenerStuck } from '../../../listeners/outcome.ts';
import type { Clock } from '../../../model/clock.ts';
import { ConsumeResult, OrderlyResult } from '../../../model/consume-result.ts';
import type { MessageExt } from '../../../model/message.ts';
import { type MessageQueue, queueKey } from '../../../model/message-queue.ts';
import type { DirectResult } from '../../../protocol/bodies/direct-result.ts';

export interface DirectCall {
  readonly listener: Listener;
  readonly message: MessageExt;
  /** Where the listener is told that it comes from. */
  readonly queue: MessageQueue;
  /** Unit: ms. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Aborted when the whole consumer is over. */
  readonly stopSignal: AbortSignal;
}

type Ended = Pick<DirectResult, 'consumeResult' | 'remark'>;

/** Never rejects, and ends within the timeout; what the listener answers later counts no more. */
export async function callDirectly(call: DirectCall): Promise<DirectResult> {
  const { listener, clock } = call;
  const messages: MessageBatch = [call.message];
  const owner = ownerOf(call);
  const began = clock.now();
  const isOrderly = listener.kind === 'orderly';
  const context = isOrderly
    ? new OrderlyCallContext(owner, messages, 0)
    : new ConcurrentContext(owner, messages, 0);
  const end = await endOf(call, messages, context);
  context.end();
  return {
    ...end,
    autoCommit: !(context instanceof OrderlyCallContext) || context.autoCommit !== false, // whatever else a listener wrote there
    order: isOrderly,
    spentTimeMills: Math.round(clock.now() - began),
  };
}

function endOf(
  call: DirectCall,
  messages: MessageBatch,
  context: ConcurrentContext | OrderlyCallContext,
): Promise<Ended> {
  const { clock, timeoutMs, stopSignal, message, queue } = call;
  return new Promise(resolve => {
    const onStop = (): void => finish(threw(stopSignal.reason));
    const timer = clock.setTimeout(() => {
      const error = listenerStuck(message, queueKey(queue), timeoutMs);
      context.expire(error);
      finish(threw(error));
    }, timeoutMs);
    const finish = (end: Ended): void => {
      clock.clearTimeout(timer);
      stopSignal.removeEventListener('abort', onStop);
      resolve(end);
    };
    stopSignal.addEventListener('abort', onStop, { once: true });
    answerOf(call, messages, context).then(
      answer => finish(wordOf(answer)),
      thrown => finish(threw(thrown)),
    );
  });
}

/** A listener that throws at once rejects. */
async function answerOf(
  { listener }: DirectCall,
  messages: MessageBatch,
  context: ConcurrentContext | OrderlyCallContext,
): Promise<unknown> {
  // the context was made for this kind of listener
  if (listener.kind === 'orderly') return listener.consume(messages, context as OrderlyCallContext);
  return listener.consume(messages, context as ConcurrentContext); // as above
}

/** Java's listeners must answer something: nothing is what ours mean by done. What is no result is Java's null. */
function wordOf(answer: unknown): Ended {
  switch (answer) {
    case undefined:
    case ConsumeResult.SUCCESS:
    case OrderlyResult.SUCCESS:
      return { consumeResult: 'CR_SUCCESS', remark: undefined };
    case ConsumeResult.RECONSUME_LATER:
    case OrderlyResult.SUSPEND_CURRENT_QUEUE_A_MOMENT:
      return { consumeResult: 'CR_LATER', remark: undefined };
    case OrderlyResult.COMMIT:
      return { consumeResult: 'CR_COMMIT', remark: undefined };
    case OrderlyResult.ROLLBACK:
      return { consumeResult: 'CR_ROLLBACK', remark: undefined };
    default:
      return { consumeResult: 'CR_RETURN_NULL', remark: 'the listener answered something that is no result' };
  }
}

function threw(thrown: unknown): Ended {
  const { name, message } = toError(thrown);
  const code = thrown instanceof ConsumerError ? thrown.code : name;
  return { consumeResult: 'CR_THROW_EXCEPTION', remark: `${code}: ${message}` };
}

/** Nothing of a queue is behind it: commits by hand do nothing. */
function ownerOf({ queue, stopSignal }: DirectCall): ContextOwner {
  return { queue, signals: new CallSignals(stopSignal), committed: undefined, approve: () => {} };
}
