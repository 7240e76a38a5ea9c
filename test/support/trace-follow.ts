// SPDX-License-Identifier: Apache-2.0
/** How does a trace learn what the consumer decided and told, which no frame says? From XState's inspection and public events. */
import type { InspectionEvent } from 'xstate';
import type { ConsumerEvent } from '../../src/index.ts';
import type { PortTrace } from './port-trace.ts';
import type { TracedQueue } from './trace-entries.ts';

/** The part of a consumer that is followed. */
interface Followed {
  readonly system: { inspect(observer: (event: InspectionEvent) => void): unknown };
  on(type: '*', handler: (event: ConsumerEvent) => void): unknown;
}

/** The default of the option. Unit: ms. */
const usualShutdownTimeout = 10_000;

/**
 * Call it before the consumer starts.
 * @param options.shutdownTimeout as configured. Unit: ms. A shutdown that brings another timeout counts by that
 * @example followConsumer(trace, actor);
 */
export function followConsumer(
  trace: PortTrace,
  actor: Followed,
  { shutdownTimeout = usualShutdownTimeout }: { readonly shutdownTimeout?: number | undefined } = {},
): void {
  const stop = { ms: shutdownTimeout, hasBegun: false };
  actor.system.inspect(inspected => {
    if (inspected.type !== '@xstate.event') return;
    const { event, actorRef, rootId } = inspected;
    if (actorRef.sessionId !== rootId) return; // the consumer itself is told
    if (event.type === 'assignment.decided') {
      trace.mark({ mark: 'decided', queues: queuesOf(event['queues']) });
    }
    if (event.type === 'queue.seek' || event.type === 'consumer.resetOffset') trace.mark({ mark: 'sought' });
    if (event.type === 'consumer.shutdown' && !stop.hasBegun)
      stop.ms = timeoutOf(event['timeout']) ?? stop.ms;
  });
  actor.on('*', event => {
    if (event.type === 'queue.revoked') {
      trace.mark({ mark: 'revoked', queue: placeOf(event.queue), reason: event.reason });
    }
    if (event.type === 'offset.corrected') {
      trace.mark({ mark: 'corrected', queue: placeOf(event.queue), to: event.to });
    }
    if (event.type === 'consumer.stateChanged' && event.to.startsWith('stopping') && !stop.hasBegun) {
      stop.hasBegun = true;
      trace.mark({ mark: 'stopping', ms: stop.ms });
    }
    if (event.type === 'consumer.stateChanged' && event.to === 'stopped') trace.mark({ mark: 'ended' });
  });
}

function timeoutOf(asked: unknown): number | undefined {
  return typeof asked === 'number' && !Number.isNaN(asked) ? Math.max(0, asked) : undefined;
}

function queuesOf(queues: unknown): readonly TracedQueue[] {
  return Array.isArray(queues) ? queues.map(placeOf) : [];
}

function placeOf({ topic, brokerName, queueId }: TracedQueue): TracedQueue {
  return { topic, brokerName, queueId };
}
