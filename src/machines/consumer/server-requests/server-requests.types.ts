// SPDX-License-Identifier: Apache-2.0
/** What do the answers to a broker's requests need of the consumer? */
import type { ResolvedConfig } from '../../../config/resolved-config.ts';
import type { OwnedQueue } from '../../../flow/owned-queue.ts';
import type { HandlerSlots } from '../../../listeners/handler-slots.ts';
import type { Clock } from '../../../model/clock.ts';
import type { MessageExt } from '../../../model/message.ts';
import type { Namespace } from '../../../model/namespace.ts';
import type { Logger } from '../../../observability/logger.ts';
import type { Frame } from '../../../protocol/frame.ts';
import type { SubscriptionManager } from '../../../subscriptions/subscription-manager.ts';
import type { ServerReply } from '../../../transport/server-requests.ts';
import type { ConsumerInternalEvent } from '../consumer.types.ts';
import type { ListenerChoice } from '../listener-choice.ts';
import type { FiguresBook, QueueFigures } from './figures.ts';

/** A queue that is held now. */
export interface ShownQueue {
  readonly owned: OwnedQueue<MessageExt>;
  readonly figures: QueueFigures;
  /** What the broker is known to have. */
  committed(): number | undefined;
  /** Orderly: its lock is known to be ours. */
  isLocked(): boolean;
}

export interface RequestSurroundings {
  readonly config: ResolvedConfig;
  /** What brokers call the names of this consumer. */
  readonly namespace: Namespace | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly subscriptions: SubscriptionManager;
  readonly listeners: ListenerChoice;
  readonly slots: HandlerSlots;
  readonly figures: FiguresBook;
  readonly queues: () => readonly ShownQueue[];
  /** The retry topic included. */
  readonly isSubscribed: (topic: string) => boolean;
  /** Aborted when the whole consumer is over. */
  readonly stopSignal: AbortSignal;
  readonly tell: (event: ConsumerInternalEvent) => void;
}

export type Reply = (answer: ServerReply) => void;

/** Handles the requests of one code. What it throws is answered with code 1, and told as a fault. */
export type Answer = (frame: Frame, reply: Reply) => void;
