// SPDX-License-Identifier: Apache-2.0
/** How do the actors of one queue see its lock: may they start, is it still theirs, and how is it given back? */
import type { LockEvent, QueueLock } from '../locks/locks.types.ts';
import type { StartPermit } from '../pull/pull.types.ts';
import type { HeldLock } from './queue.types.ts';

const ignore = (): void => {};

/** Asked for once, however often the queue is suspended and resumed while it waits. */
export class LockPermit implements StartPermit, HeldLock {
  readonly kind: StartPermit['kind'];
  readonly #lock: QueueLock;
  #stage: 'unasked' | 'asked' | 'permitted' | 'lost' | 'keptBack' | 'over' = 'unasked';
  #onPermitted = ignore;
  #onLost = ignore;

  constructor(lock: QueueLock, kind: StartPermit['kind']) {
    this.kind = kind;
    this.#lock = lock;
  }

  get mayBeOurs(): boolean {
    return this.#stage === 'asked' || this.#stage === 'permitted';
  }

  request(onPermitted: () => void): void {
    this.#onPermitted = onPermitted;
    if (this.#stage === 'permitted') onPermitted();
    if (this.#stage !== 'unasked') return;
    this.#stage = 'asked';
    this.#lock.want(event => this.#hear(event));
  }

  dismiss(): void {
    this.#onPermitted = ignore;
  }

  whenLost(onLost: () => void): void {
    this.#onLost = onLost;
  }

  async release(options: Parameters<HeldLock['release']>[0]): Promise<void> {
    if (!this.mayBeOurs) return;
    this.#end();
    this.#stage = 'over';
    await this.#lock.release(options);
  }

  keepBack(): void {
    this.#end();
    if (this.mayBeOurs) this.#stage = 'keptBack';
  }

  forget(options: Parameters<HeldLock['forget']>[0]): void {
    this.#end();
    this.#stage = 'over';
    this.#lock.forget(options);
  }

  #end(): void {
    this.dismiss();
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
