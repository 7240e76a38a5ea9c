// SPDX-License-Identifier: Apache-2.0
/** What was true at this line of a trace? Built from the wire alone: connections, what waits for an answer, and each queue. */
import type { FrameEntry, TracedQueue, TraceEntry } from './trace-entries.ts';
import {
  type Connection,
  codes,
  committedBy,
  type Delivery,
  groupsOf,
  namesHandedBack,
  newQueue,
  type Of,
  type Place,
  type QueueFacts,
  type Sent,
} from './trace-facts.ts';
import { TraceLocks } from './trace-locks.ts';
import { TraceTenures } from './trace-tenures.ts';

const offsetMoved = 21;
const pullAnswers = new Set([0, 19, 20, offsetMoved]);
const topicNotExist = 17;
const notFound = 22;
const resetByBroker = 220;
/** So long the answer to a send-back is waited for. Less a little for timer noise. Unit: ms. */
const answerLife = 2990;
/** What could not be told to a broker that was away is not expected to be told within this much of its return. Unit: ms. */
const returnSlack = 1000;
/** The broker has none. */
const noOffset = -1;

export class TraceWorld {
  readonly connections = new Map<number, Connection>();
  readonly queues = new Map<string, QueueFacts>();
  readonly running = new Map<number, Delivery>();
  readonly locks = new TraceLocks(queue => this.handedOver(this.queue(queue)));
  readonly tenures = new TraceTenures();
  /** Ended well, to be done with a later COMMIT. */
  private readonly kept = new Map<number, Delivery>();
  /** Groups of which a heartbeat was ever answered. */
  readonly groups = new Set<string>();
  /** Groups of which a 35 was sent, and in which line. */
  readonly unregistered = new Map<string, number>();
  /** By topic: where a broker last told another committed offset than ours. All pulls of the topic may be written anew then. */
  readonly foreign = new Map<string, number>();
  stoppedAt: number | undefined;
  /** When it began to stop, in which line, and when it is to be over: a time without the process moves that. */
  stopping: { readonly line: number; readonly until: number } | undefined;
  hasEnded = false;
  /** Line of the last reset or seek that was asked for, by whomever. */
  lastSought = 0;
  hardStopped = false;
  readonly killed = new Set<string>();
  /** Addresses to which a connection has ended. */
  private readonly left = new Set<string>();
  private readonly brokerNames = new Map<string, string>();
  /** Which queue and offset a message has, by its place in the log and by its id: what a send-back names. */
  private readonly places = new Map<string, Place>();

  apply(entry: TraceEntry, line: number): void {
    switch (entry.kind) {
      case 'open':
        this.opened(entry, line);
        break;
      case 'close':
        this.closed(entry.connection);
        break;
      case 'unreadable':
        break;
      case 'request':
      case 'oneway':
        if (entry.direction === 'out') this.sent(entry, line, entry.at);
        else if (entry.code === resetByBroker) this.lastSought = line;
        break;
      case 'response':
        if (entry.direction === 'in') this.answered(entry, line, entry.at);
        break;
      case 'begin':
        this.begun(entry, line);
        break;
      case 'end':
        this.ended(entry, line);
        break;
      case 'mark':
        this.marked(entry, line);
        break;
    }
  }

  /** Nothing of it can, or may, be committed: its broker is gone, its lock is in doubt, or time passed without us. */
  mayStayBehind(queue: QueueFacts): boolean {
    return this.isKilled(queue) || this.locks.isInDoubt(queue) || queue.isDoubted;
  }

  /** Was the broker of this queue killed, and not seen again since? */
  private isKilled(queue: QueueFacts): boolean {
    return [...this.killed].some(address => (this.brokerNames.get(address) ?? address) === queue.brokerName);
  }

  /** Is there a connection to the broker of this queue on which a group is registered, and was not only just made again? */
  isReachable(queue: QueueFacts, at: number): boolean {
    return [...this.connections.values()].some(
      ({ address, groups, reachableFrom }) =>
        groups.size > 0 && this.brokerNames.get(address) === queue.brokerName && at >= reachableFrom,
    );
  }

  /** The queue a frame is about: broker by `bname`, else by the name its address was seen under. */
  queueOf(entry: FrameEntry): QueueFacts | undefined {
    const { topic, queueId, bname } = entry.fields;
    if (topic === undefined || queueId === undefined) return undefined;
    const brokerName = bname ?? this.brokerNames.get(entry.address) ?? entry.address;
    return this.queue({ topic, brokerName, queueId: Number(queueId) });
  }

  queue({ topic, brokerName, queueId }: TracedQueue): QueueFacts {
    const key = `${topic}@${brokerName}#${queueId}`;
    let queue = this.queues.get(key);
    if (queue === undefined) {
      queue = newQueue(key, { topic, brokerName, queueId });
      this.queues.set(key, queue);
    }
    return queue;
  }

  private sent(entry: FrameEntry, line: number, at: number): void {
    const { bname } = entry.fields;
    if (bname !== undefined) this.brokerNames.set(entry.address, bname);
    const queue = this.queueOf(entry);
    const sent: Sent = { line, at, entry, queue };
    if (entry.kind === 'request') this.connections.get(entry.connection)?.pending.set(entry.opaque, sent);
    this.locks.sent(sent);
    const offset = committedBy(entry);
    if (queue !== undefined && offset !== undefined) queue.lastCarrier = line;
    if (queue !== undefined && offset !== undefined && offset > (queue.committed?.offset ?? -1)) {
      queue.committed = { offset, line };
    }
    if (queue !== undefined && entry.code === codes.pull) {
      queue.pull = sent;
      queue.isDoubted = false;
    }
    if (entry.code === codes.heartbeat) for (const group of groupsOf(entry)) this.unregistered.delete(group);
    const { consumerGroup } = entry.fields;
    if (entry.code === codes.unregister && consumerGroup !== undefined) {
      this.unregistered.set(consumerGroup, line);
    }
  }

  private answered(entry: FrameEntry, line: number, at: number): void {
    if (entry.brokers !== undefined) {
      for (const [address, name] of Object.entries(entry.brokers)) this.brokerNames.set(address, name);
    }
    const connection = this.connections.get(entry.connection);
    const sent = connection?.pending.get(entry.opaque);
    if (connection === undefined || sent === undefined) return;
    connection.pending.delete(entry.opaque);
    const request = sent.entry;
    this.locks.answered(sent, entry, { line, at });
    const isAwaited = sent.queue?.pull === sent;
    if (isAwaited && sent.queue !== undefined) sent.queue.pull = undefined;
    if (request.code === codes.heartbeat && entry.code === 0) {
      const slack = this.left.has(connection.address) ? returnSlack : 0;
      connection.reachableFrom = Math.min(connection.reachableFrom, at + slack);
      for (const group of groupsOf(request)) connection.groups.add(group);
      for (const group of groupsOf(request)) this.groups.add(group);
    }
    if (request.code === codes.unregister) connection.groups.delete(request.fields['consumerGroup'] ?? '');
    if (sent.queue !== undefined) this.answeredForQueue(sent.queue, sent, { answer: entry, line });
    if (isAwaited && sent.queue !== undefined) this.pulled(sent.queue, entry, line);
    if (entry.code === 0) this.accepted(request, line, at - sent.at >= answerLife);
    if (request.code === codes.topicStats && entry.code === topicNotExist) this.deleted(request);
  }

  /** A broker said that the topic is no more: what comes under its name later is another one. */
  private deleted({ address, fields }: FrameEntry): void {
    const brokerName = this.brokerNames.get(address);
    for (const queue of this.queues.values()) {
      if (queue.topic !== fields['topic'] || queue.brokerName !== brokerName) continue;
      this.moved(queue);
      queue.epoch += 1;
    }
  }

  private answeredForQueue(
    queue: QueueFacts,
    sent: Sent,
    { answer, line }: { readonly answer: FrameEntry; readonly line: number },
  ): void {
    const request = sent.entry;
    const offset = committedBy(request);
    const taken = request.code === codes.pull ? pullAnswers.has(answer.code) : answer.code === 0;
    if (offset !== undefined && taken) queue.acknowledged = Math.max(queue.acknowledged, offset);
    if (request.code === codes.pull && answer.code === offsetMoved) {
      this.moved(queue);
      queue.lastReason = line;
    }
    if (request.code !== codes.queryOffset) return;
    this.told(queue, sent, answer);
    if (answer.code !== 0) return;
    queue.lastReason = line;
    if (Number(answer.fields['offset']) !== queue.committed?.offset) this.foreign.set(queue.topic, line);
    queue.pull = undefined; // asked anew where to start: what was pulled before counts no more
    const start = Number(answer.fields['offset']);
    for (const before of queue.unfinished.keys()) if (before < start) queue.unfinished.delete(before);
  }

  /** A 14 is a receipt for what was handed over one-way, and tells when an answered 15 did not last. */
  private told(queue: QueueFacts, { line }: Sent, answer: FrameEntry): void {
    const has = answer.code === 0 ? Number(answer.fields['offset']) : noOffset;
    if (answer.code !== 0 && answer.code !== notFound) return;
    if (line > queue.lastCarrier) queue.acknowledged = has;
    else queue.acknowledged = Math.max(queue.acknowledged, has); // one that came later may not be in it yet
  }

  /** Only of the pull that was waited for: the messages of an abandoned one are dropped. */
  private pulled(queue: QueueFacts, answer: FrameEntry, line: number): void {
    for (const offset of answer.offsets ?? []) {
      if (!queue.unfinished.has(offset)) queue.unfinished.set(offset, { line, delivered: false });
    }
  }

  /** A message handed back by 36, or sent anew to be retried or dead, is done here. */
  private accepted(request: FrameEntry, line: number, isLate: boolean): void {
    const { address } = request;
    for (const id of namesHandedBack(request, this.brokerNames.get(address) ?? address)) {
      const place = this.places.get(id);
      if (place === undefined) continue;
      finish(place, line);
      if (isLate && place.epoch === place.queue.epoch) place.queue.late.add(place.offset);
    }
  }

  private opened({ connection: id, address }: Of<'open'>, line: number): void {
    const fresh = { groups: new Set<string>(), pending: new Map<number, Sent>(), reachableFrom: Infinity };
    this.connections.set(id, { id, address, openedAt: line, ...fresh });
    this.killed.delete(address);
  }

  private closed(id: number): void {
    const address = this.connections.get(id)?.address;
    if (address !== undefined) this.left.add(address);
    for (const { queue } of this.connections.get(id)?.pending.values() ?? []) {
      if (queue?.pull?.entry.connection === id) queue.pull = undefined;
    }
    this.connections.delete(id);
    this.locks.closed(id);
  }

  private begun(entry: Of<'begin'>, line: number): void {
    const queue = this.queue(entry.queue);
    const { epoch } = queue;
    this.running.set(entry.delivery, { line, entry, epoch });
    for (const message of entry.messages) {
      queue.unfinished.set(message.queueOffset, { line, delivered: true });
      queue.late.delete(message.queueOffset);
      const place = { queue, offset: message.queueOffset, epoch };
      this.places.set(`log ${entry.queue.brokerName} ${message.commitLogOffset}`, place);
      this.places.set(`id ${message.msgId}`, place);
    }
  }

  private ended({ delivery, done, kept, commits = [] }: Of<'end'>, line: number): void {
    const begun = this.running.get(delivery);
    this.running.delete(delivery);
    if (begun === undefined) return;
    if (kept === true) this.kept.set(delivery, begun);
    this.finishAll(begun, done, line);
    for (const earlier of commits) {
      const before = this.kept.get(earlier);
      this.kept.delete(earlier);
      if (before !== undefined) this.finishAll(before, before.entry.messages.length, line);
    }
  }

  private finishAll({ entry, epoch }: Delivery, count: number, line: number): void {
    const queue = this.queue(entry.queue);
    for (const { queueOffset } of entry.messages.slice(0, count))
      finish({ queue, offset: queueOffset, epoch }, line);
  }

  private marked(entry: Of<'mark'>, line: number): void {
    if (entry.mark === 'stopped') this.stoppedAt = line;
    if (entry.mark === 'hardStop') this.hardStopped = true;
    if (entry.mark === 'killed' && entry.address !== undefined) this.killed.add(entry.address);
    if (entry.mark === 'decided') this.tenures.decided(entry.queues);
    if (entry.mark === 'revoked') this.givenUp(entry.queue, entry.at);
    if (entry.mark === 'sought') this.lastSought = line;
    if (entry.mark === 'corrected') this.corrected(this.queue(entry.queue), line);
    if (entry.mark === 'stopping') this.stopping = { line, until: entry.at + entry.ms };
    if (entry.mark === 'ended') this.hasEnded = true;
    if (entry.mark === 'slept') this.slept(entry.ms);
    if (entry.mark !== 'moved') return;
    this.lastSought = line;
    for (const queue of this.queues.values()) {
      if (entry.topic === undefined || queue.key.startsWith(`${entry.topic}@`)) this.moved(queue);
    }
  }

  /** Of what its broker could not be told then nothing may be told later: another member may be ahead. */
  private givenUp(traced: TracedQueue, at: number): void {
    this.tenures.revoked(traced);
    const queue = this.queue(traced);
    if (!this.isReachable(queue, at)) queue.isDoubted = true;
  }

  /** It goes on from another place, and says so once for each reason. */
  private corrected(queue: QueueFacts, line: number): void {
    this.moved(queue);
    queue.lastCorrected = line;
  }

  private slept(ms: number): void {
    for (const queue of this.queues.values()) queue.isDoubted = true;
    if (this.stopping !== undefined) this.stopping = { ...this.stopping, until: this.stopping.until + ms };
  }

  /** By a reset, a seek or code 21: the commit may go back, and what was pulled before no longer counts. */
  private moved(queue: QueueFacts): void {
    queue.pull = undefined;
    queue.committed = undefined;
    queue.acknowledged = -1;
    queue.doneUpTo = -1;
    queue.unfinished.clear();
    queue.late.clear();
  }

  /** Given back, or lost: another member goes on with it. */
  private handedOver(queue: QueueFacts): void {
    queue.pull = undefined;
    queue.acknowledged = -1;
    queue.doneUpTo = -1;
    queue.unfinished.clear();
    queue.late.clear();
    queue.epoch += 1;
  }
}

function finish({ queue, offset, epoch }: Place, line: number): void {
  if (epoch !== queue.epoch) return;
  queue.unfinished.delete(offset);
  queue.lastResult = line;
  queue.doneUpTo = Math.max(queue.doneUpTo, offset + 1);
}
