// SPDX-License-Identifier: Apache-2.0
/**
 * Is a pull on the wire, and is its answer still wanted? One at a time for each queue, whatever the chart is doing.
 * In the steady state batch follows batch here, and the chart hears of what is not steady: an event for each batch cost
 * 10 µs of the 80 that 32 messages take.
 */
import { toRocketmqError } from '../../errors/errors.ts';
import type { OwnedQueue } from '../../flow/owned-queue.ts';
import type { MessageExt } from '../../model/message.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { CommitCarrier } from '../../stores/commit-line.ts';
import type { PullAnswer } from '../../transport/pull-calls.ts';
import type { Arrived, FoundBatch, PullEvent, PullPort } from './pull.types.ts';

type FoundAnswer = Extract<PullAnswer, { readonly kind: 'found' }>;

const nothingInFlight = 0;
const nothingArrived: Arrived = { messages: [], bytes: 0 };

export class Puller {
  readonly #owned: OwnedQueue<MessageExt>;
  readonly #port: PullPort;
  readonly #tell: (event: PullEvent) => void;
  #lastPull = nothingInFlight;
  #inFlight = nothingInFlight;
  /** The pull that the one in flight was written beside. */
  #besides = nothingInFlight;
  /** Not in the event: V8 may move what XState makes for an event to the old generation, which then keeps the whole batch. */
  #arrived = nothingArrived;
  #goesOn: ((batch: FoundBatch) => boolean) | undefined;

  constructor(owned: OwnedQueue<MessageExt>, port: PullPort, tell: (event: PullEvent) => void) {
    this.#owned = owned;
    this.#port = port;
    this.#tell = tell;
  }

  pullOn(goesOn: (batch: FoundBatch) => boolean): void {
    this.#goesOn = goesOn;
    this.requestNextBatch();
  }

  pullNoFurther(): void {
    this.#goesOn = undefined;
  }

  /** Writes the next pull, unless one is on the wire already. Its answer comes once, as an event unless it is one of {@link pullOn}. */
  requestNextBatch(offset: QueueOffset | undefined = this.#owned.pulledTo): void {
    if (this.#inFlight !== nothingInFlight || offset === undefined) return;
    const pull = ++this.#lastPull;
    this.#inFlight = pull;
    const commit = this.#port.takeCommit();
    try {
      this.#port.pull(offset, commit?.offset, outcome => this.#answered(pull, commit, outcome));
    } catch (thrown) {
      this.#answered(pull, commit, { kind: 'failed', error: toRocketmqError(thrown) });
    }
  }

  /** The messages of the last answer, handed out once. */
  takeArrived(): Arrived {
    const arrived = this.#arrived;
    this.#arrived = nothingArrived;
    return arrived;
  }

  /**
   * Asks once more beside a pull that the broker holds, if there is one: a reset is told only to a pull that comes after it.
   * The held one's answer counts no more, unless it is that very word, which is said once.
   */
  renew(): void {
    if (this.#inFlight === nothingInFlight) return;
    this.#port.withdraw();
    this.#besides = this.#inFlight;
    this.#inFlight = nothingInFlight;
    this.requestNextBatch();
  }

  /** The answer to the pull on the wire is no longer wanted; another may be written. */
  abandon(): void {
    if (this.#inFlight !== nothingInFlight) this.#port.withdraw();
    this.#inFlight = nothingInFlight;
    this.#besides = nothingInFlight;
    this.#arrived = nothingArrived;
  }

  #answered(pull: number, commit: CommitCarrier | undefined, outcome: PullAnswer): void {
    if (commit !== undefined) this.#port.settleCommit(commit, outcome.kind !== 'failed');
    if (pull !== this.#inFlight && !(pull === this.#besides && outcome.kind === 'moved')) return;
    this.#inFlight = nothingInFlight;
    if (outcome.kind === 'found' && this.#takenIn(outcome)) return;
    this.#arrived = 'messages' in outcome ? outcome : nothingArrived;
    this.#tell(eventOf(outcome));
  }

  /** The steady state: the next pull is written before this batch is looked at. */
  #takenIn({ messages, bytes, nextOffset }: FoundAnswer): boolean {
    if (this.#goesOn?.({ count: messages.length, bytes, nextOffset }) !== true) return false;
    try {
      this.requestNextBatch(nextOffset);
      this.#owned.admit(messages, nextOffset, bytes);
    } catch (thrown) {
      this.#tell({ type: 'fault', error: toRocketmqError(thrown), actor: 'puller' });
    }
    return true;
  }
}

function eventOf(outcome: PullAnswer): PullEvent {
  switch (outcome.kind) {
    case 'found':
      return {
        type: 'batch.found',
        count: outcome.messages.length,
        nextOffset: outcome.nextOffset,
      };
    case 'damaged':
      return {
        type: 'batch.damaged',
        count: outcome.messages.length,
        nextOffset: outcome.nextOffset,
        error: outcome.error,
      };
    case 'none':
      return { type: 'batch.none', nextOffset: outcome.nextOffset, mayRepeat: outcome.mayRepeat };
    case 'moved':
      return { type: 'offset.moved', correctTo: outcome.correctTo, reason: outcome.reason };
    case 'failed':
      return { type: 'pull.failed', error: outcome.error };
  }
}
