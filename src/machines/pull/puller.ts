// SPDX-License-Identifier: Apache-2.0
/** Is a pull on the wire, and is its answer still wanted? One at a time for each queue, whatever the chart is doing. */
import { toRocketmqError } from '../../errors/errors.ts';
import type { OwnedQueue } from '../../flow/owned-queue.ts';
import type { MessageExt } from '../../model/message.ts';
import type { QueueOffset } from '../../model/queue-offset.ts';
import type { PullAnswer } from '../../transport/pull-calls.ts';
import type { PullEvent, PullPort } from './pull.types.ts';

const nothingInFlight = 0;

export class Puller {
  readonly #owned: OwnedQueue<MessageExt>;
  readonly #port: PullPort;
  readonly #tell: (event: PullEvent) => void;
  #lastPull = nothingInFlight;
  #inFlight = nothingInFlight;

  constructor(owned: OwnedQueue<MessageExt>, port: PullPort, tell: (event: PullEvent) => void) {
    this.#owned = owned;
    this.#port = port;
    this.#tell = tell;
  }

  /** Writes the next pull, unless one is on the wire already. Its answer comes as one event. */
  requestNextBatch(offset: QueueOffset | undefined = this.#owned.pulledTo): void {
    if (this.#inFlight !== nothingInFlight || offset === undefined) return;
    const pull = ++this.#lastPull;
    this.#inFlight = pull;
    const commit = this.#port.takeCommit();
    try {
      this.#port.pull(offset, commit, outcome => this.#answered(pull, commit, outcome));
    } catch (thrown) {
      this.#answered(pull, commit, { kind: 'failed', error: toRocketmqError(thrown) });
    }
  }

  /** The answer to the pull on the wire is no longer wanted; another may be written. */
  abandon(): void {
    this.#inFlight = nothingInFlight;
  }

  #answered(pull: number, commit: QueueOffset | undefined, outcome: PullAnswer): void {
    if (commit !== undefined) this.#port.settleCommit(commit, outcome.kind !== 'failed');
    if (pull !== this.#inFlight) return;
    this.#inFlight = nothingInFlight;
    this.#tell(eventOf(outcome));
  }
}

function eventOf(outcome: PullAnswer): PullEvent {
  switch (outcome.kind) {
    case 'found':
      return {
        type: 'batch.found',
        messages: outcome.messages,
        bytes: outcome.bytes,
        nextOffset: outcome.nextOffset,
      };
    case 'damaged':
      return {
        type: 'batch.damaged',
        messages: outcome.messages,
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
