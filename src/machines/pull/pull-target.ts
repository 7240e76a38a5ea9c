// SPDX-License-Identifier: Apache-2.0
/**
 * Which replica of its broker is a queue pulled from?
 *
 *   master ──an answer suggests a slave──► suggested ──an answer suggests the master, a pull fails──► master
 *   master, suggested ──the master is not connected, a slave is──► standIn ──the master is connected──► master
 *
 * Invariants (test/machines/pull-target.test.ts): 1. what is said here moves no offset, and nothing is committed where
 * `isSlave`; 2. a queue that needs a lock is never read from a slave while its master is away: nobody could have the lock;
 * 3. a slave that failed is not gone to by suggestion for 10 s: master and slave must not send a queue to and fro; 4. a
 * suggestion from a slave that stands in counts for nothing: the master, once back, is asked first; 5. each change is told once.
 * Source: PullAPIWrapper.recalculatePullFromWhichNode, MQClientInstance.findBrokerAddressInSubscribe, which do 1 and the first line.
 */
import { ConnectionError } from '../../errors/errors.ts';
import { masterId } from '../../model/route.ts';
import type { Caller } from '../../transport/call.ts';
import type { PullReplica } from '../../transport/slave-answers.ts';

/** Why a queue is read where it is: `master` needs no reason. */
export type ReadingFrom = 'master' | 'suggested' | 'standIn';

export interface TargetChange {
  readonly from: number;
  /** Broker id: 0 the master. */
  readonly to: number;
  readonly reading: ReadingFrom;
}

/** The replicas of one broker, as the route names them at this moment. */
export interface Replicas {
  readonly brokerName: string;
  /** The line to one; makes a connection wanted. Undefined: the route names none of that id. */
  line(brokerId: number): Caller | undefined;
  /** Ids of the slaves the route names, lowest first. */
  slaves(): readonly number[];
}

export interface PullTargetOptions {
  readonly replicas: Replicas;
  /** May a slave stand in for a master that is away? Not where a lock is needed. */
  readonly mayStandIn: boolean;
  /** Monotonic. Unit: ms. */
  readonly now: () => number;
  readonly onChanged: (change: TargetChange) => void;
  /** The route names no master, and somebody wants one. As often as pulls are made. */
  readonly onMasterMissed: () => void;
}

/** How long a slave that failed is not gone to by suggestion. Unit: ms. */
const distrust = 10_000;

export class PullTarget {
  readonly #options: PullTargetOptions;
  #present: PullReplica | undefined;
  #reading: ReadingFrom = 'master';
  /** By the last answer that counts. */
  #suggested = masterId;
  readonly #distrustedUntil = new Map<number, number>();

  constructor(options: PullTargetOptions) {
    this.#options = options;
  }

  /** Of the replica that was asked last, 0 before the first pull. */
  get brokerId(): number {
    return this.#present?.brokerId ?? masterId;
  }

  get reading(): ReadingFrom {
    return this.#reading;
  }

  /**
   * Whom to ask now. The same object as long as it stays so.
   * @throws ConnectionError `RMQ_BROKER_NOT_FOUND` when the route names nobody who may be asked, `RMQ_NO_REPLICA` when none of
   *   several is connected: to wait for one of them could be to wait for the wrong one
   */
  next(): PullReplica {
    const { replicas, mayStandIn } = this.#options;
    const master = replicas.line(masterId);
    if (master?.isOpen === true) return this.#withMaster(master);
    if (master === undefined) this.#options.onMasterMissed();
    const slaves = mayStandIn ? replicas.slaves() : [];
    const standIn = this.#standIn(slaves);
    if (standIn !== undefined) return standIn;
    if (slaves.length > 0) throw noReplica(replicas.brokerName, slaves);
    if (master === undefined) throw noMaster(replicas.brokerName);
    return this.#take(masterId, master, 'master'); // the pull waits for the connection
  }

  /** Does what is written now go to the master, at once? Only then may an offset go along. Never throws. */
  isMasterNext(): boolean {
    const master = this.#options.replicas.line(masterId);
    return master?.isOpen === true && !this.#withMaster(master).isSlave;
  }

  /** What an answer of that replica suggests; undefined: the pull to it failed. */
  suggested({ brokerId, isSlave }: PullReplica, suggestion: number | undefined): void {
    if (!isSlave) {
      if (suggestion !== undefined) this.#suggested = suggestion;
    } else if (suggestion === undefined) {
      this.#distrustedUntil.set(brokerId, this.#options.now() + distrust);
      this.#suggested = masterId;
    } else if (this.#reading === 'suggested') {
      this.#suggested = suggestion;
    }
  }

  #withMaster(master: Caller): PullReplica {
    if (this.#reading === 'standIn') this.#suggested = masterId;
    if (this.#suggested !== masterId && !this.#isDistrusted(this.#suggested)) {
      const slave = this.#options.replicas.line(this.#suggested);
      if (slave?.isOpen === true) return this.#take(this.#suggested, slave, 'suggested');
    }
    return this.#take(masterId, master, 'master');
  }

  /** The one that is read already, if it can be; else the first that is connected. */
  #standIn(slaves: readonly number[]): PullReplica | undefined {
    const present = this.brokerId;
    const inOrder = slaves.includes(present) ? [present, ...slaves.filter(id => id !== present)] : slaves;
    for (const id of inOrder) {
      const line = this.#options.replicas.line(id);
      if (line?.isOpen === true) return this.#take(id, line, 'standIn');
    }
    return undefined;
  }

  #isDistrusted(brokerId: number): boolean {
    const until = this.#distrustedUntil.get(brokerId);
    return until !== undefined && this.#options.now() < until;
  }

  #take(brokerId: number, caller: Caller, reading: ReadingFrom): PullReplica {
    const before = this.#present;
    const from = this.brokerId;
    this.#reading = reading;
    if (before !== undefined && from === brokerId && before.caller === caller) return before;
    const present = { brokerId, isSlave: brokerId !== masterId, caller };
    this.#present = present;
    if (from !== brokerId) this.#options.onChanged({ from, to: brokerId, reading });
    return present;
  }
}

function noMaster(brokerName: string): ConnectionError {
  return new ConnectionError('RMQ_BROKER_NOT_FOUND', `no route names a master of ${brokerName}`, {
    context: { brokerName },
  });
}

function noReplica(brokerName: string, slaves: readonly number[]): ConnectionError {
  const message = `neither the master of ${brokerName} nor its slave ${slaves.join(', ')} is connected`;
  return new ConnectionError('RMQ_NO_REPLICA', message, { context: { brokerName, slaves } });
}
