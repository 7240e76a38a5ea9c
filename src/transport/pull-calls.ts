// SPDX-License-Identifier: Apache-2.0
/** How is one queue pulled over the wire, and what does each answer mean for it? The hot path: no promise, no timer. */
import { type RocketmqError, toRocketmqError } from '../errors/errors.ts';
import type { Clock } from '../model/clock.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { Namespace } from '../model/namespace.ts';
import { type QueueOffset, zeroOffset } from '../model/queue-offset.ts';
import type { ExpressionType } from '../model/subscription.ts';
import { isAccessRefused } from '../protocol/access-refusal.ts';
import { ResponseCode } from '../protocol/codes.ts';
import { readReply } from '../protocol/define-request.ts';
import type { Frame } from '../protocol/frame.ts';
import { readRecords } from '../protocol/message-record.ts';
import {
  type PreparedPull,
  preparePull,
  prepareSignedPull,
  pullMessage,
  pullSysFlag,
} from '../protocol/requests/pull-message.ts';
import { errorOfResponse } from '../protocol/response-error.ts';
import type { Signer } from '../protocol/signature.ts';
import type { StoredMessage } from '../protocol/stored-message.ts';
import type { Caller, CallOutcome, OnOutcome } from './call.ts';
import type { PullTally } from './pull-tally.ts';
import { commitToSlave, type PullReplica, slaveHold, slaveNothing } from './slave-answers.ts';
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
  readonly namespace?: Namespace | undefined;
  readonly clock: Clock;
  /** Messages asked for at once. */
  readonly batchSize: number;
  /** How long the broker may hold an empty poll. Unit: ms. */
  readonly suspendMs: number;
  /** Unit: ms. */
  readonly timeoutMs: number;
  /** Largest decompressed body. Unit: bytes. */
  readonly maxBodySize: number;
  /** Which replica of the broker is asked now; throws when none can be. */
  readonly replica: () => PullReplica;
  /** Hears of every answer which replica it wants to be asked next: 0 the master; undefined: the pull to that one failed. */
  readonly onSuggested?: ((from: PullReplica, brokerId: number | undefined) => void) | undefined;
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

/** What the constant text of a queue's pulls depends on. */
interface PullForm {
  readonly subVersion: number;
  readonly holdMs: number;
  readonly signer: Signer | undefined;
}

export class PullCalls {
  readonly #options: PullCallsOptions;
  readonly #what: string;
  #prepared: PreparedPull | undefined;
  /** Where a message could not be read. A pull from there asks for one message: its place is certain then, whatever it says. */
  #damagedAt: QueueOffset | undefined;
  /** The pull that was made while there was no connection, if it was the last. */
  #waiting: { readonly caller: Caller; readonly onOutcome: OnOutcome } | undefined;
  #preparedFor: PullForm | undefined;

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

  /** Writes one pull; the answer comes exactly once, never inside this call. Towards a slave there must be nothing to commit. */
  pull(offset: QueueOffset, commit: QueueOffset | undefined, onAnswer: (answer: PullAnswer) => void): void {
    const { clock, timeoutMs } = this.#options;
    const sentAt = clock.now();
    this.#options.watch?.asked(sentAt);
    try {
      const replica = this.#options.replica();
      const { caller, isSlave } = replica;
      if (isSlave && commit !== undefined) throw commitToSlave(this.#what, replica);
      const subVersion = this.#options.subVersion(caller.address);
      const holdMs = isSlave ? slaveHold : this.#options.suspendMs;
      const how: PullForm = { subVersion, holdMs, signer: caller.identity?.signer };
      const prepared = offset === this.#damagedAt ? this.#prepareFor(1, how) : this.#prepare(how);
      const sysFlag = pullSysFlag({ commitOffset: commit !== undefined, suspend: true, subscription: false });
      const onOutcome: OnOutcome = outcome => {
        const heldMs = clock.now() - sentAt;
        const answer = this.#answerOf(outcome, offset, heldMs, replica);
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

  #prepare(how: PullForm): PreparedPull {
    const known = this.#preparedFor;
    const isSame =
      known?.subVersion === how.subVersion && known.holdMs === how.holdMs && known.signer === how.signer;
    if (this.#prepared !== undefined && isSame) return this.#prepared;
    this.#prepared = this.#prepareFor(this.#options.batchSize, how);
    this.#preparedFor = how;
    return this.#prepared;
  }

  #prepareFor(maxMsgNums: number, { subVersion, holdMs, signer }: PullForm): PreparedPull {
    const { queue, consumerGroup, namespace, expressionType } = this.#options;
    const constants = {
      consumerGroup,
      namespace,
      topic: queue.topic,
      queueId: queue.queueId,
      maxMsgNums,
      suspendTimeoutMillis: holdMs,
      subVersion,
      expressionType: expressionType(),
      bname: queue.brokerName,
    };
    return signer === undefined ? preparePull(constants) : prepareSignedPull(constants, signer);
  }

  #answerOf(outcome: CallOutcome, offset: QueueOffset, heldMs: number, replica: PullReplica): PullAnswer {
    const answer = this.#meaningOf(outcome, offset, heldMs, replica);
    if (answer.kind === 'failed') this.#options.onSuggested?.(replica, undefined);
    return answer;
  }

  #meaningOf(outcome: CallOutcome, offset: QueueOffset, heldMs: number, replica: PullReplica): PullAnswer {
    if (outcome.kind === 'failed') return outcome;
    try {
      return this.#read(outcome.frame, offset, heldMs, replica);
    } catch (thrown) {
      return { kind: 'failed', error: toRocketmqError(thrown, 'RMQ_BAD_BODY') };
    }
  }

  #read(frame: Frame, offset: QueueOffset, heldMs: number, replica: PullReplica): PullAnswer {
    switch (frame.code) {
      case ResponseCode.SUCCESS:
        return this.#found(frame, offset, replica);
      case ResponseCode.PULL_NOT_FOUND:
      case ResponseCode.PULL_RETRY_IMMEDIATELY:
      case ResponseCode.PULL_OFFSET_MOVED:
        return this.#notFound(frame, offset, heldMs, replica);
      default:
        if (isAccessRefused(frame)) replica.caller.identity?.refused();
        return { kind: 'failed', error: errorOfResponse(this.#what, frame, replica.caller.address) };
    }
  }

  #notFound(frame: Frame, offset: QueueOffset, heldMs: number, replica: PullReplica): PullAnswer {
    const header = readReply(pullMessage, frame);
    this.#options.onSuggested?.(replica, header.suggestWhichBrokerId);
    if (!replica.isSlave && frame.code === ResponseCode.PULL_OFFSET_MOVED) {
      return { kind: 'moved', ...correctionOf(frame, offset) };
    }
    const nextOffset = replica.isSlave
      ? slaveNothing({ what: this.#what, replica, offset, frame, ...header })
      : header.nextBeginOffset;
    return { kind: 'none', nextOffset, mayRepeat: nextOffset > offset || heldMs >= heldFloor };
  }

  #found(frame: Frame, offset: QueueOffset, replica: PullReplica): PullAnswer {
    const { queue, maxBodySize, namespace, onSuggested } = this.#options;
    const { nextBeginOffset, suggestWhichBrokerId } = readReply(pullMessage, frame);
    onSuggested?.(replica, suggestWhichBrokerId);
    const batch = readRecords(frame.body, { brokerName: queue.brokerName, maxBodySize, namespace });
    const single = offset === this.#damagedAt;
    const { messages, fault } = soundRecords(batch, { queue, offset, nextBeginOffset, single });
    const wanted = this.#wanted(messages, offset);
    const bytes = wanted.length === 0 ? 0 : frame.size;
    if (fault !== undefined) {
      const { queueOffset: nextOffset, error } = fault;
      // Of a message that a slave cannot give the master may have a good copy: its word counts.
      if (replica.isSlave && nextOffset <= offset) return { kind: 'failed', error };
      if (replica.isSlave) return { kind: 'found', messages: wanted, bytes, nextOffset };
      this.#damagedAt = fault.queueOffset;
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
