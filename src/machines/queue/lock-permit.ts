// SPDX-License-Identifier: Apache-2.0
/** How do the actors of one queue see its lock: may they start, is it still theirs, and how is it given back? */
import type { LockEvent, QueueLock } from '../locks/locks.types.ts';
import type { StartPermit } from '../pull/pull.types.ts';
import type { HeldLock } from './queue.types.ts';

export interface LockPermitOptions {
  readonly kind: StartPermit['kind'];
  /** The newest member list names nobody but us. */
  readonly alone: boolean;
}

const ignore = (): void => {};

/** Asked for once, however often the queue is suspended and resumed while it waits. */
export class LockPermit implements StartPermit, HeldLock {
  readonly kind: StartPermit['kind'];
  readonly #lock: QueueLock;
  readonly #alone: boolean;
  #stage: 'unasked' | 'asked' | 'permitted' | 'lost' = 'unasked';
  #onPermitted = ignore;
  #onLost = ignore;

  constructor(lock: QueueLock, { kind, alone }: LockPermitOptions) {
    this.kind = kind;
    this.#lock = lock;
    this.#alone = alone;
  }

  get mayBeOurs(): boolean {
    return this.#stage === 'asked' || this.#stage === 'permitted';
  }

  request(onPermitted: () => void): void {
    this.#onPermitted = onPermitted;
    if (this.#stage === 'permitted') onPermitted();
    if (this.#stage !== 'unasked') return;
    this.#stage = 'asked';
    this.#lock.want(event => this.#hear(event), { alone: this.#alone });
  }

  whenLost(onLost: () => void): void {
    this.#onLost = onLost;
  }

  async release(options: Parameters<HeldLock['release']>[0]): Promise<void> {
    if (!this.mayBeOurs) return;
    this.#end();
    await this.#lock.release(options);
  }

  forget(): void {
    this.#end();
    this.#lock.forget();
  }

  #end(): void {
    this.#onPermitted = ignore;
    this.#onLost = ignore;
  }

  #hear(event: LockEvent): void {
    if (event.type === 'lock.lost') {
      this.#stage = 'lost';
      this.#onLost();
    } else if (this.#stage === 'asked') {
      this.#stage = 'permitted';
      this.#onPermitted();
    }
  }
}
