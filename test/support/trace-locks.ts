// SPDX-License-Identifier: Apache-2.0
/** Which locks did the consumer have at this line of a trace? Built from the requests 38, 41 and 42 and their answers alone. */
import type { FrameEntry, TracedQueue } from './trace-entries.ts';

/** What is known of one lock, by its name at the broker and its queue. */
export interface LockFacts {
  readonly name: string;
  readonly queue: TracedQueue;
  /** Granted, and since then neither given back nor refused nor in doubt because its connection ended. */
  held: HeldLock | undefined;
  /** It was held when its connection ended, and nobody was asked since. */
  isInDoubt: boolean;
  /** When it was first asked for since it was last granted or given back. Unit: ms. */
  waitingSince: number | undefined;
  /** Refused while nobody else was in the group: a fence is not waited for then. */
  isAlone: boolean;
  /** The line of the answer that took it from us. */
  lostAt: number | undefined;
  /** The line of the 42 that gave it back. */
  returnedAt: number | undefined;
}

export interface HeldLock {
  readonly connection: number;
  readonly address: string;
  /** When the request was sent that was granted: the lock's life counts from there. Unit: ms. */
  readonly askedAt: number;
  readonly line: number;
}

/** A request as it was sent. */
interface Asked {
  readonly line: number;
  readonly at: number;
  readonly entry: FrameEntry;
}

/** Where and when its answer came. */
interface Answered {
  readonly line: number;
  readonly at: number;
}

/** Whom one broker has listed as members of the group. */
interface Listed {
  readonly newest: ReadonlySet<string>;
  readonly ever: ReadonlySet<string>;
}

const heartbeatCode = 34;
const membersCode = 38;
const lockCode = 41;
const unlockCode = 42;
/** Failed, not supported, not permitted: the broker takes no locks from us. */
const refusals = new Set([1, 3, 16]);

export class TraceLocks {
  private readonly facts = new Map<string, LockFacts>();
  /** Client ids of our heartbeats. */
  private readonly ownIds = new Set<string>();
  private readonly listed = new Map<string, Listed>();
  /** When an address last refused to take locks. */
  private readonly refusedAt = new Map<string, number>();
  /** The newest list of members, of any broker, names only us. */
  private isAlone = false;
  private readonly onEnd: (queue: TracedQueue) => void;

  /** @param onEnd a queue was given back or lost: what is still done of it counts no more */
  constructor(onEnd: (queue: TracedQueue) => void) {
    this.onEnd = onEnd;
  }

  /** @param name the group a lock is asked for under */
  of(name: string, queue: TracedQueue): LockFacts {
    const { topic, brokerName, queueId } = queue;
    const key = `${name} ${topic}@${brokerName}#${queueId}`;
    const known = this.facts.get(key);
    if (known !== undefined) return known;
    const fresh: LockFacts = {
      ...{ name, queue, held: undefined, isInDoubt: false, waitingSince: undefined },
      ...{ isAlone: false, lostAt: undefined, returnedAt: undefined },
    };
    this.facts.set(key, fresh);
    return fresh;
  }

  /** All that were ever asked for under a name. */
  under(name: string): readonly LockFacts[] {
    return [...this.facts.values()].filter(each => each.name === name);
  }

  /** Was it held when its connection ended, and not granted or refused since? Then nothing of it may be committed. */
  isInDoubt(queue: TracedQueue): boolean {
    const names = new Set([...this.facts.values()].map(({ name }) => name));
    return [...names].some(name => this.of(name, queue).isInDoubt);
  }

  /** The locks a 41 or 42 names. */
  namedBy(request: FrameEntry): readonly LockFacts[] {
    const name = String(Object(request.body).consumerGroup);
    return queuesIn(request.body, 'mqSet').map(queue => this.of(name, queue));
  }

  /** Whether the client id of a 41 or 42 is ours. */
  isOurs(request: FrameEntry): boolean {
    return this.ownIds.has(clientIdOf(request));
  }

  /** Did this address refuse to take locks, no longer than that ago? Unit: ms. */
  isOff(address: string, { at, life }: { readonly at: number; readonly life: number }): boolean {
    return at - (this.refusedAt.get(address) ?? Number.NEGATIVE_INFINITY) <= life;
  }

  /** Was this member listed by that address once, and is not in its newest list? */
  isGone(address: string, clientId: string): boolean {
    const { newest, ever } = this.listed.get(address) ?? nobody;
    return ever.has(clientId) && !newest.has(clientId);
  }

  sent({ line, at, entry }: Asked): void {
    if (entry.code === heartbeatCode) this.ownIds.add(String(Object(entry.body).clientID));
    if (entry.code === lockCode) {
      for (const lock of this.namedBy(entry)) if (lock.held === undefined) lock.waitingSince ??= at;
    }
    const isReturn = entry.code === unlockCode && entry.kind === 'request' && this.isOurs(entry);
    if (!isReturn) return; // of a one-way 42 nobody knows whether it arrived
    for (const lock of this.namedBy(entry)) {
      lock.held = undefined;
      lock.isInDoubt = false;
      lock.waitingSince = undefined;
      lock.isAlone = false;
      lock.returnedAt = line;
      this.onEnd(lock.queue);
    }
  }

  answered(request: Asked, answer: FrameEntry, { line, at }: Answered): void {
    const { code, address } = request.entry;
    if (code === membersCode && answer.code === 0) this.heard(address, idsIn(answer.body));
    if (code !== lockCode) return;
    if (refusals.has(answer.code)) this.refusedAt.set(address, at);
    if (answer.code !== 0) return;
    this.refusedAt.delete(address);
    const granted = new Set(
      queuesIn(answer.body, 'lockOKMQSet').map(queue => this.of(nameIn(request), queue)),
    );
    for (const lock of this.namedBy(request.entry)) {
      if (granted.has(lock)) grant(lock, request);
      else this.refuse(lock, request, { line, at });
    }
  }

  /** What was held through a connection that ended is in doubt. */
  closed(connection: number): void {
    for (const lock of this.facts.values()) {
      if (lock.held?.connection !== connection) continue;
      lock.held = undefined;
      lock.isInDoubt = true;
    }
  }

  private heard(address: string, members: readonly string[]): void {
    const { ever } = this.listed.get(address) ?? nobody;
    this.listed.set(address, { newest: new Set(members), ever: new Set([...ever, ...members]) });
    this.isAlone = members.every(member => this.ownIds.has(member));
    if (!this.isAlone) return;
    for (const lock of this.facts.values()) if (lock.waitingSince !== undefined) lock.isAlone = true;
  }

  /** An answer that comes after the lock was granted anew, or given back, says nothing of it. */
  private refuse(lock: LockFacts, request: Asked, { line, at }: Answered): void {
    if (lock.held !== undefined && lock.held.line > request.line) return;
    if (lock.held !== undefined || lock.isInDoubt) {
      lock.held = undefined;
      lock.isInDoubt = false;
      lock.waitingSince = at;
      lock.lostAt = line;
      this.onEnd(lock.queue);
    }
    if (this.isAlone && lock.waitingSince !== undefined) lock.isAlone = true;
  }
}

const nobody: Listed = { newest: new Set(), ever: new Set() };

function grant(lock: LockFacts, { line, at, entry }: Asked): void {
  if ((lock.returnedAt ?? 0) > line) return; // it was given back meanwhile
  lock.held = { connection: entry.connection, address: entry.address, askedAt: at, line };
  lock.isInDoubt = false;
  lock.waitingSince = undefined;
  lock.isAlone = false;
  lock.lostAt = undefined;
  lock.returnedAt = undefined;
}

function nameIn({ entry }: Asked): string {
  return String(Object(entry.body).consumerGroup);
}

function clientIdOf(request: FrameEntry): string {
  return String(Object(request.body).clientId);
}

function idsIn(body: unknown): readonly string[] {
  const ids: unknown = Object(body).consumerIdList;
  return Array.isArray(ids) ? ids.map(String) : [];
}

function queuesIn(body: unknown, field: 'mqSet' | 'lockOKMQSet'): readonly TracedQueue[] {
  const named: unknown = Object(body)[field];
  const queues: readonly unknown[] = Array.isArray(named) ? named : [];
  return queues.map(item => {
    const { topic, brokerName, queueId } = Object(item);
    return { topic: String(topic), brokerName: String(brokerName), queueId: Number(queueId) };
  });
}
