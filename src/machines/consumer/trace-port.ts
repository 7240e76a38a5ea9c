// SPDX-License-Identifier: Apache-2.0
/** How do traces get to their topic? As any message of a producer does: the topic's route, a queue in turn, another broker on failure. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import type { Clock } from '../../model/clock.ts';
import { PublishRoutes } from '../../producer/publish-routes.ts';
import { ship } from '../../producer/sender.ts';
import { uniqueIds } from '../../protocol/message-id.ts';
import { encodeProperties, propertyNames } from '../../protocol/properties.ts';
import { waitFor } from '../../stores/wait-for.ts';
import type { MessageCalls, SendReceipt } from '../../transport/message-calls.ts';
import type { NameServerCalls } from '../../transport/name-server-calls.ts';
import type { TraceBatch, TracePort } from '../trace/trace.types.ts';
import { TraceBook } from '../trace/trace-book.ts';

/** As Java's. Source: AsyncTraceDispatcher.genGroupNameForTrace. */
const groupPrefix = '_INNER_TRACE_PRODUCER';
/** As Java's trace producer gives a send. Unit: ms. */
const sendTimeout = 5000;
const retries = 1;
/** At the end they have this share of the step's time. */
const shareOfEnd = 0.5;

export interface TraceWiring {
  readonly config: Pick<ResolvedConfig, 'consumerGroup' | 'traceTopic' | 'clientId'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly messages: MessageCalls;
  readonly nameServers: NameServerCalls;
}

export interface Traces {
  readonly book: TraceBook;
  readonly port: TracePort;
  /** Resolves when all are out, cannot be sent, or half of that time has passed. */
  ended(timeoutMs: number, signal: AbortSignal): Promise<void>;
}

export function traces(wiring: TraceWiring): Traces {
  const { clock, nameServers } = wiring;
  const nextId = idsOf(wiring);
  const book = new TraceBook({ nextId, wallNow: () => clock.wallNow(), now: () => clock.now() });
  const fetch = (topic: string) => nameServers.route(topic, { timeoutMs: sendTimeout });
  // An address that was not let in is a fault of the consumer's own.
  const routes = new PublishRoutes({ fetch, onKnown: async () => {}, refusalOf: () => undefined });
  const store = (batch: TraceBatch, signal: AbortSignal) =>
    send(wiring, { routes, batch, msgId: nextId() }, signal);
  return {
    book,
    port: {
      get isEmpty() {
        return book.isEmpty;
      },
      noteEnd: () => book.noteEnd(),
      takeLost: () => book.takeLost(),
      sendNext: async signal => {
        const batch = book.take();
        if (batch === undefined) return;
        try {
          await store(batch, signal);
        } catch (thrown) {
          book.noteLost(batch.count);
          throw thrown;
        }
      },
    },
    ended: (timeoutMs, signal) =>
      waitFor(clock, timeoutMs * shareOfEnd, { signal, wake: fn => book.onceEnded(fn) }),
  };
}

/** clientIp may be any name; an id needs an address. */
function idsOf({ config, clock, random }: TraceWiring): () => string {
  const source = { wallNow: () => clock.wallNow(), random, pid: process.pid };
  try {
    return uniqueIds({ ...source, ip: config.clientId.split('@')[0] ?? '' });
  } catch {
    return uniqueIds({ ...source, ip: '127.0.0.1' });
  }
}

async function send(
  { config, clock, random, messages }: TraceWiring,
  {
    routes,
    batch,
    msgId,
  }: { readonly routes: PublishRoutes; readonly batch: TraceBatch; readonly msgId: string },
  signal: AbortSignal,
): Promise<void> {
  const { traceTopic: topic, consumerGroup } = config;
  const body = Buffer.from(batch.text);
  const properties = encodeProperties([
    [propertyNames.keys, batch.keys],
    [propertyNames.uniqueKey, msgId],
    [propertyNames.wait, 'true'],
  ]);
  const producerGroup = `${groupPrefix}-${consumerGroup}-PUSH-${topic}`;
  let turn = Math.floor(random() * 1000);
  await ship(
    {
      topic,
      choose: (queues, failed) => {
        const left = queues.filter(({ queue }) => !failed.has(queue.brokerName));
        const from = left.length > 0 ? left : queues;
        return from[turn++ % Math.max(1, from.length)];
      },
      send: ({ queue: { brokerName, queueId }, address }): Promise<SendReceipt> => {
        const place = { producerGroup, topic, brokerName, queueId, bornTimestamp: clock.wallNow() };
        return messages.sendMessage(
          address,
          { ...place, body, properties },
          { timeoutMs: sendTimeout, signal },
        );
      },
    },
    { routes, clock, random, retries, signal },
  );
}
