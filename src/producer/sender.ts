// SPDX-License-Identifier: Apache-2.0
/** How does a message get to a broker although one of them may fail? */
import { BrokerError, ConnectionError, RocketmqError, toRocketmqError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import { ResponseCode } from '../protocol/codes.ts';
import { backoffDelay } from '../transport/backoff.ts';
import type { SendReceipt } from '../transport/message-calls.ts';
import type { PublishQueue, PublishRoutes } from './publish-routes.ts';

export interface SenderOptions {
  readonly routes: PublishRoutes;
  readonly clock: Clock;
  readonly random: () => number;
  /** How often a failed send is repeated. */
  readonly retries: number;
  /** Ends every wait: the producer stops. */
  readonly signal: AbortSignal;
}

export interface Delivery {
  readonly target: PublishQueue;
  readonly receipt: SendReceipt;
}

export interface Shipment {
  readonly topic: string;
  /** The queue for the next try; `failed` are the brokers that failed so far. */
  choose(queues: readonly PublishQueue[], failed: ReadonlySet<string>): PublishQueue | undefined;
  /** One try. */
  send(target: PublishQueue): Promise<SendReceipt>;
}

/** Answers that another broker, or the same one a little later, may not give. Source: DefaultMQProducer.retryResponseCodes. */
const worthRepeating: ReadonlySet<number> = new Set([
  ResponseCode.SYSTEM_ERROR,
  ResponseCode.SYSTEM_BUSY,
  ResponseCode.SERVICE_NOT_AVAILABLE,
  ResponseCode.NO_PERMISSION,
  ResponseCode.TOPIC_NOT_EXIST,
  ResponseCode.FLOW_CONTROL,
]);

/**
 * Sends and, while that fails, sends again: another broker at once, the same one after a pause. A try that timed out may
 * have been stored: then the message is there twice.
 * @throws RocketmqError `RMQ_SEND_FAILED` with the last failure as its cause; RMQ_TOPIC_NOT_FOUND, RMQ_NAME_SERVER_UNAVAILABLE
 */
export async function ship(shipment: Shipment, options: SenderOptions): Promise<Delivery> {
  const { topic } = shipment;
  const { routes, clock, random, retries, signal } = options;
  const failed = new Set<string>();
  const from = clock.now();
  for (let attempt = 1; ; attempt++) {
    const target = shipment.choose(await routes.queuesOf(topic), failed);
    if (target === undefined) throw new RocketmqError('RMQ_TOPIC_NOT_FOUND', `topic ${topic} has no queue`);
    const { brokerName } = target.queue;
    if (failed.has(brokerName)) {
      const failures = { attempt: attempt - 1, elapsedMs: clock.now() - from };
      await pause(clock, backoffDelay({ ...failures, random }), signal);
    }
    try {
      return { target, receipt: await shipment.send(target) };
    } catch (thrown) {
      const cause = toRocketmqError(thrown);
      if (attempt > retries || !isWorthRepeating(cause)) throw sendFailed(topic, attempt, cause);
      failed.add(brokerName);
      await routes.refreshTopic(topic); // the broker may be gone from it
    }
  }
}

function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      clock.clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimeout(end, ms);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}

function isWorthRepeating(error: RocketmqError): boolean {
  if (error instanceof BrokerError) return worthRepeating.has(error.responseCode);
  return error instanceof ConnectionError;
}

function sendFailed(topic: string, attempts: number, cause: RocketmqError): RocketmqError {
  const tries = attempts === 1 ? '1 try' : `${attempts} tries`;
  return new RocketmqError(
    'RMQ_SEND_FAILED',
    `message for ${topic} was not stored after ${tries}: ${cause.message}`,
    {
      context: { topic, attempts },
      cause,
    },
  );
}
