// SPDX-License-Identifier: Apache-2.0
/** How is one queue pulled over the wire, and what does each answer mean for it? The hot path: no promise, no timer. */
import { type RocketmqError, toRocketmqError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import { type QueueOffset, zeroOffset } from '../model/queue-offset.ts';
import type { ExpressionType } from '../model/subscription.ts';
import { ResponseCode } from '../protocol/codes.ts';
import { readReply } from '../protocol/define-request.ts';
import type { Frame } from '../protocol/frame.ts';
import { readRecords } from '../protocol/message-record.ts';
import {
  type PreparedPull,
  preparePull,
  pullMessage,
  pullSysFlag,
} from '../protocol/requests/pull-message.ts';
import { errorOfResponse } from '../protocol/response-error.ts';
import type { StoredMessage } from '../protocol/stored-message.ts';
import type { Caller, CallOutcome, OnOutcome } from './call.ts';
import type { PullTally } from './pull-tally.ts';
import { after, soundRecords } from './sound-records.ts';

/** What the broker said to one pull. Source: PullResult, protocol.md section 3. */
export type PullAnswer =
  | {
      readonly kind: 'found';
      /** What passed the second tag check; may be empty. */
      readonly messages: readonly StoredMessage[];
      /** The whole frame, which the messages keep in memory; 0 without any. Unit: bytes. */
      readonly bytes: number;
      readonly nextOffset: QueueOffset;
    }
  | {
      /** The good messages before the first unreadable one; `nextOffset` is that one's. */
      readonly kind: 'damaged';
      readonly messages: readonly StoredMessage[];
      /** As with `found`. */
      readonly bytes: number;
      readonly nextOffset: QueueOffset;
      readonly error: RocketmqError;
    }
  | {
      readonly kind: 'none';
      readonly nextOffset: QueueOffset;
      /** The offset advanced, or the broker held the poll: asking again at once is no hot loop. */
      readonly mayRepeat: boolean;
    }
  | ({ readonly kind: 'moved' } & Correction)
  | { readonly kind: 'failed'; readonly error: RocketmqError };

/** Where code 21 sends a queue, and the broker's word for why. */
export interface Correction {
  readonly correctTo: QueueOffset;
  readonly reason: string;
}

/** Whoever wants to know how the pulls of a queue go. */
export interface PullWatch {
  /** One is made. Monotonic ms. */
  asked(at: number): void;
  /** So many messages came, after so many ms. */
  found(messages: number, ms: number): void;
}

export interface PullCallsOptions {
  readonly queue: MessageQueue;
  readonly consumerGroup: string;
  readonly clock: Clock;
  /** Messages asked for at once. */
  readonly batchSize: number;
  /** How long the broker may hold an empty poll. Unit: ms. */
  readonly suspendMs: number;
  /** Unit: ms. */
  readonly timeoutMs: number;
  /** Largest decompressed body. Unit: bytes. */
  readonly maxBodySize: number;
  /** The line to the broker of the queue now; throws RMQ_BROKER_NOT_FOUND when no route names one. */
  readonly caller: () => Caller;
  /** Version of the subscription the broker at an address filters by; it answers 25 to a newer one than it knows. */
  readonly subVersion: (address: string) => number;
  /** What kind of expression that version is. Brokers go by the heartbeat's; Java says it all the same. */
  readonly expressionType: () => ExpressionType;
  /** Tags wanted, undefined for all: brokers filter by hash, so it is checked again here. */
  readonly tags: () => ReadonlySet<string> | undefined;
  /** Hears of the pulls of this queue. */
  readonly watch?: PullWatch | undefined;
  /** Hears when, by the broker's clock, a message was stored that a pull had waited for: just now, by ours. Unit: ms since 1970. */
  readonly storedJustNow?: ((at: number) => void) | undefined;
  /** Counts answers and failures. */
  readonly tally?: PullTally | undefined;
}

/** An answer that came sooner than this and brought nothing was not held. Unit: ms. */
const heldFloor = 500;

const offsetReset = 'OFFSET_RESET';

export class PullCalls {
  readonly #options: PullCallsOptions;
  readonly #what: string;
  #prepared: PreparedPull | undefined;
  /** Where a message could not be read. A pull from there asks for one message: its place is certain then, whatever it says. */
  #damagedAt: QueueOffset | undefined;
  /** The pull that was made while there was no connection, if it was the last. */
  #waiting: { readonly caller: Caller; readonly onOutcome: OnOutcome } | undefined;
  #preparedFor = -1;

  constructor(options: PullCallsOptions) {
    this.#options = options;
    const { topic, queueId, brokerName } = options.queue;
    this.#what = `pull from ${topic}-${queueId}@${brokerName}`;
  }

  /** A pull that waited at the broker was ended by a message; a longer time than any wait is a freeze of this process. */
  #noteFound(messages: readonly { readonly storeTimestamp: number }[], heldMs: number): void {
    const { watch, storedJustNow, timeoutMs } = this.#options;
    watch?.found(messages.length, heldMs);
    if (storedJustNow === undefined || heldMs < heldFloor || heldMs > timeoutMs) return;
    const newest = messages.at(-1);
    if (newest !== undefined) storedJustNow(newest.storeTimestamp);
  }

  /** Writes one pull; the answer comes exactly once, never inside this call. */
  pull(offset: QueueOffset, commit: QueueOffset | undefined, onAnswer: (answer: PullAnswer) => void): void {
    const { clock, timeoutMs } = this.#options;
    const sentAt = clock.now();
    this.#options.watch?.asked(sentAt);
    try {
      const caller = this.#options.caller();
      const subVersion = this.#options.subVersion(caller.address);
      const prepared =
        offset === this.#damagedAt ? this.#prepareFor(1, subVersion) : this.#prepare(subVersion);
      const sysFlag = pullSysFlag({ commitOffset: commit !== undefined, suspend: true, subscription: false });
      const onOutcome: OnOutcome = outcome => {
        const heldMs = clock.now() - sentAt;
        const answer = this.#answerOf(outcome, offset, heldMs, caller.address);
        if (answer.kind === 'found') this.#noteFound(answer.messages, heldMs);
        onAnswer(this.#counted(answer));
      };
      this.#waiting = caller.isOpen ? undefined : { caller, onOutcome };
      caller.call(
        opaque => prepared(opaque, offset, sysFlag, commit ?? zeroOffset),
        timeoutMs,
        this.#what,
        onOutcome,
      );
    } catch (thrown) {
      const error = toRocketmqError(thrown);
      setImmediate(() => onAnswer(this.#counted({ kind: 'failed', error })));
    }
  }

  /** A pull that still waits for a connection is not written any more, nor answered. */
  withdraw(): void {
    this.#waiting?.caller.cancel(this.#waiting.onOutcome);
    this.#waiting = undefined;
  }

  #counted(answer: PullAnswer): PullAnswer {
    const { tally } = this.#options;
    if (tally === undefined) return answer;
    if (answer.kind === 'failed') tally.failed++;
    else tally.succeeded++;
    return answer;
  }

  #prepare(subVersion: number): PreparedPull {
    if (this.#prepared !== undefined && this.#preparedFor === subVersion) return this.#prepared;
    this.#prepared = this.#prepareFor(this.#options.batchSize, subVersion);
    this.#preparedFor = subVersion;
    return this.#prepared;
  }

  #prepareFor(maxMsgNums: number, subVersion: number): PreparedPull {
    const { queue, consumerGroup, suspendMs, expressionType } = this.#options;
    return preparePull({
      consumerGroup,
      topic: queue.topic,
      queueId: queue.queueId,
      maxMsgNums,
      suspendTimeoutMillis: suspendMs,
      subVersion,
      expressionType: expressionType(),
      bname: queue.brokerName,
    });
  }

  #answerOf(outcome: CallOutcome, offset: QueueOffset, heldMs: number, address: string): PullAnswer {
    if (outcome.kind === 'failed') return outcome;
    try {
      return this.#read(outcome.frame, offset, heldMs, address);
    } catch (thrown) {
      return { kind: 'failed', error: toRocketmqError(thrown, 'RMQ_BAD_BODY') };
    }
  }

  #read(frame: Frame, offset: QueueOffset, heldMs: number, address: string): PullAnswer {
    switch (frame.code) {
      case ResponseCode.SUCCESS:
        return this.#found(frame, offset);
      case ResponseCode.PULL_NOT_FOUND:
      case ResponseCode.PULL_RETRY_IMMEDIATELY: {
        const { nextBeginOffset } = readReply(pullMessage, frame);
        return {
          kind: 'none',
          nextOffset: nextBeginOffset,
          mayRepeat: nextBeginOffset > offset || heldMs >= heldFloor,
        };
      }
      case ResponseCode.PULL_OFFSET_MOVED:
        return { kind: 'moved', ...correctionOf(frame, offset) };
      default:
        return { kind: 'failed', error: errorOfResponse(this.#what, frame, address) };
    }
  }

  #found(frame: Frame, offset: QueueOffset): PullAnswer {
    const { queue, maxBodySize } = this.#options;
    const { nextBeginOffset } = readReply(pullMessage, frame);
    const batch = readRecords(frame.body, { brokerName: queue.brokerName, maxBodySize });
    const single = offset === this.#damagedAt;
    const { messages, fault } = soundRecords(batch, { queue, offset, nextBeginOffset, single });
    const wanted = this.#wanted(messages, offset);
    const bytes = wanted.length === 0 ? 0 : frame.size;
    if (fault !== undefined) {
      this.#damagedAt = fault.queueOffset;
      const { queueOffset: nextOffset, error } = fault;
      return { kind: 'damaged', messages: wanted, bytes, nextOffset, error };
    }
    const last = messages.at(-1);
    const nextOffset =
      last !== undefined && nextBeginOffset <= last.queueOffset ? after(last) : nextBeginOffset;
    return { kind: 'found', messages: wanted, bytes, nextOffset };
  }

  /** A pull from the middle of an inner batch brings the whole batch; a hash collision brings other tags. */
  #wanted(messages: readonly StoredMessage[], offset: QueueOffset): readonly StoredMessage[] {
    const tags = this.#options.tags();
    const [first] = messages;
    if (tags === undefined && (first === undefined || first.queueOffset >= offset)) return messages;
    return messages.filter(
      message =>
        message.queueOffset >= offset &&
        (tags === undefined || (message.tags !== undefined && tags.has(message.tags))),
    );
  }
}

/**
 * A reset is followed as told. An offset past the end means the topic was made anew: whatever the answer says, its
 * first message is the next one, so nothing is skipped. One before the beginning goes to the first that is left.
 */
function correctionOf(frame: Frame, offset: QueueOffset): Correction {
  const { nextBeginOffset, minOffset, maxOffset } = readReply(pullMessage, frame);
  const reason = frame.remark ?? 'PULL_OFFSET_MOVED';
  if (!reason.includes(offsetReset) && offset > maxOffset) {
    return { correctTo: Math.max(0, minOffset) as QueueOffset, reason }; // a bound may be -1, an offset not
  }
  return { correctTo: nextBeginOffset, reason };
}
