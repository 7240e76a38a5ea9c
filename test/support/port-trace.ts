// SPDX-License-Identifier: Apache-2.0
/** What went over the wire and into the listener, in which order? Recorded at the ports, so it holds whatever the client believes. */
import type { Dialer, Socket, SocketHandlers } from '../../src/transport/ports.ts';
import {
  type DeliveryEntry,
  type FrameEntry,
  type LinkEntry,
  type MarkEntry,
  type TracedMessage,
  type TracedQueue,
  type TraceEntry,
  writeTrace,
} from './trace-entries.ts';
import { type FrameFacts, FrameReader } from './trace-frames.ts';

/** The part of a listener's context that is looked at: a concurrent one has an ackIndex, an orderly one autoCommit. */
interface TracedContext {
  readonly queue: TracedQueue;
  readonly ackIndex?: number;
  readonly autoCommit?: boolean;
}

/** How a delivery ended. */
type Ending = Pick<Extract<DeliveryEntry, { readonly kind: 'end' }>, 'done' | 'kept' | 'commits'>;

const commitAnswer = 'COMMIT';
const rollbackAnswer = 'ROLLBACK';
const doneAnswers = new Set<unknown>([undefined, 'CONSUME_SUCCESS', 'SUCCESS', commitAnswer]);

/** Of each of them: Omit would make one of all. */
type Unkinded<Entry> = Entry extends unknown ? Omit<Entry, 'kind'> : never;

/** All messages of a queue are committed together; with `orderBy: 'shardingKey'` those of a key. */
export type LaneOf<Messages> = (messages: Messages) => string;

/**
 * Records one consumer. Give each consumer of a test its own trace.
 * @example
 * const trace = new PortTrace();
 * const actor = createConsumerActor({ …, listener: concurrently(trace.listener(book)) }, { dialer: trace.dialer(tcpDialer) });
 * await shutdown(actor);
 * trace.mark({ mark: 'stopped' });
 * expect(checkTrace(trace.entries)).toEqual([]);
 */
export class PortTrace {
  private readonly recorded: TraceEntry[] = [];
  private readonly now: () => number;
  private readonly startedAt: number;
  private connections = 0;
  private deliveries = 0;
  /** Deliveries that ended well and are not committed yet, by lane. */
  private readonly kept = new Map<string, readonly number[]>();

  /**
   * @param now monotonic time in ms; default: the process's
   * @param startedAt what counts as 0; default: now. Traces of several processes want the same moment
   */
  constructor(now: () => number = () => performance.now(), startedAt = now()) {
    this.now = now;
    this.startedAt = startedAt;
  }

  get entries(): readonly TraceEntry[] {
    return this.recorded;
  }

  /** A dialer that dials through `inner` and writes down every frame of every connection. */
  dialer(inner: Dialer): Dialer {
    return {
      dial: async (address, handlers, options) => {
        const connection = new TracedConnection(++this.connections, address, entry => this.add(entry));
        const socket = await inner.dial(address, connection.handlers(handlers), options);
        return connection.socket(socket);
      },
    };
  }

  /**
   * A listener that writes down what it is given and what it answers. Synchronous stays synchronous.
   * @param laneOf what is committed together within a queue when autoCommit is off. Default: all of it
   */
  listener<Messages extends readonly TracedMessage[], Context extends TracedContext, Answer>(
    consume: (messages: Messages, context: Context) => Answer,
    laneOf: LaneOf<Messages> = () => '',
  ): (messages: Messages, context: Context) => Answer | Promise<Awaited<Answer>> {
    return (messages, context) => {
      const delivery = ++this.deliveries;
      const queue = queueOf(context.queue);
      const lane = `${queue.topic}@${queue.brokerName}#${queue.queueId} ${laneOf(messages)}`;
      this.add({ kind: 'begin', delivery, queue, messages: messages.map(standing) });
      const end = (answer: unknown, outcome = String(answer)): void => {
        const ending = this.endingOf({ delivery, lane, count: messages.length }, context, answer);
        this.add({ kind: 'end', delivery, outcome, ...ending });
      };
      const fail = (thrown: unknown): never => {
        end(null, 'threw');
        throw thrown;
      };
      try {
        const answer = consume(messages, context);
        if (!(answer instanceof Promise)) {
          end(answer);
          return answer;
        }
        return answer.then(value => {
          end(value);
          return value;
        }, fail);
      } catch (thrown) {
        return fail(thrown);
      }
    };
  }

  private endingOf(
    { delivery, lane, count }: { readonly delivery: number; readonly lane: string; readonly count: number },
    { ackIndex = count - 1, autoCommit = true }: TracedContext,
    answer: unknown,
  ): Ending {
    const done = doneAnswers.has(answer) ? Math.min(ackIndex + 1, count) : 0;
    if (autoCommit) return { done };
    const kept = this.kept.get(lane) ?? [];
    if (answer === commitAnswer || answer === rollbackAnswer) this.kept.delete(lane);
    if (answer === commitAnswer) return { done, ...(kept.length > 0 && { commits: kept }) };
    if (done === 0) return { done };
    this.kept.set(lane, [...kept, delivery]);
    return { done: 0, kept: true };
  }

  /** Writes down what the test did or saw. */
  mark(mark: Unkinded<MarkEntry>): void {
    this.add({ kind: 'mark', ...mark });
  }

  /** Keeps the trace as .jsonl, for a look at it or for the checker. */
  async save(file: string): Promise<void> {
    await writeTrace(file, this.recorded);
  }

  private add(entry: LinkEntry | FrameEntry | DeliveryEntry | MarkEntry): void {
    const at = Math.round((this.now() - this.startedAt) * 1000) / 1000;
    this.recorded.push({ at, ...entry });
  }
}

/** Both directions of one connection. What comes in is written down before our side learns of it, what goes out before it goes. */
class TracedConnection {
  private readonly id: number;
  private readonly address: string;
  private readonly add: (entry: LinkEntry | FrameEntry) => void;
  private readonly requestCodes = new Map<number, number>();
  private readonly readers: Record<'out' | 'in', FrameReader | undefined> = {
    out: new FrameReader(() => undefined),
    in: new FrameReader(opaque => this.requestCodes.get(opaque)),
  };
  private isOpen = false;
  private closedBy: 'us' | 'peer' = 'peer';

  constructor(id: number, address: string, add: (entry: LinkEntry | FrameEntry) => void) {
    this.id = id;
    this.address = address;
    this.add = add;
  }

  handlers(inner: SocketHandlers): SocketHandlers {
    return {
      onData: chunk => {
        this.open();
        this.read('in', chunk);
        inner.onData(chunk);
      },
      onClose: error => {
        if (this.isOpen) {
          this.add({ kind: 'close', connection: this.id, address: this.address, by: this.closedBy });
        }
        inner.onClose(error);
      },
      onDrain: () => inner.onDrain?.(),
    };
  }

  socket(inner: Socket): Socket {
    this.open();
    return {
      write: bytes => {
        this.read('out', bytes);
        inner.write(bytes);
      },
      destroy: () => {
        this.closedBy = 'us';
        inner.destroy();
      },
      get queuedBytes() {
        return inner.queuedBytes;
      },
      get localAddress() {
        return inner.localAddress;
      },
    };
  }

  /** Data may come before the dial is known to be done. */
  private open(): void {
    if (this.isOpen) return;
    this.isOpen = true;
    this.add({ kind: 'open', connection: this.id, address: this.address });
  }

  /** Garbage is written down once; it is the client's business what to make of it. */
  private read(direction: 'out' | 'in', bytes: Uint8Array): void {
    const reader = this.readers[direction];
    if (reader === undefined) return;
    try {
      for (const facts of reader.push(bytes)) this.addFrame(direction, facts);
    } catch (thrown) {
      this.readers[direction] = undefined;
      const { id: connection, address } = this;
      this.add({ kind: 'unreadable', direction, connection, address, why: String(thrown) });
    }
  }

  private addFrame(direction: 'out' | 'in', facts: FrameFacts): void {
    this.add({ ...facts, direction, connection: this.id, address: this.address });
    if (direction === 'out' && facts.kind === 'request') this.requestCodes.set(facts.opaque, facts.code);
    if (direction === 'in' && facts.kind === 'response') this.requestCodes.delete(facts.opaque);
  }
}

function queueOf({ topic, brokerName, queueId }: TracedQueue): TracedQueue {
  return { topic, brokerName, queueId };
}

function standing({ queueOffset, commitLogOffset, msgId }: TracedMessage): TracedMessage {
  return { queueOffset, commitLogOffset, msgId };
}
