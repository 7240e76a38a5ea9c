// SPDX-License-Identifier: Apache-2.0
/** Which queue would a member like next? Its own order of all queues, sorted only as far as somebody asks. */

/** The queues that members choose from. */
export interface Offer {
  /** Of each queue, by position. */
  readonly hashes: Uint32Array;
  /** For sorting, as long as `hashes`; used by one at a time. */
  readonly scratch: Float64Array;
  /** How many queues a member wants to see sorted at first. */
  readonly ahead: number;
}

/** A key is distance × this + position, exact in a double: more queues than that cannot be told apart. */
export const mostQueues = 2 ** 21;
/** How dear a queue is: the lower, the dearer. Distances are whole numbers below this, spread evenly. */
const distances = 2 ** 32;
/** Once the sorted ones are read, so many times more are sorted. */
const growth = 4;

export class Preferences {
  private readonly offer: Offer;
  private readonly memberHash: number;
  /** The keys that are being read, in order. */
  private keys: Float64Array = new Float64Array(0);
  private read = 0;
  /** The next keys are of the queues from this distance on, up to that. */
  private from = 0;
  private to: number;

  constructor(offer: Offer, memberHash: number) {
    this.offer = offer;
    this.memberHash = memberHash;
    this.to = Math.min(distances, Math.ceil((distances * offer.ahead) / offer.hashes.length));
  }

  /** The position of the next dearest queue. To be called no more often than there are queues. */
  next(): number {
    while (this.read === this.keys.length) this.sortMore();
    const key = this.keys[this.read] ?? 0;
    this.read += 1;
    return key & (mostQueues - 1); // its lowest bits, whatever stands above them
  }

  private sortMore(): void {
    if (this.from === distances) throw new RangeError('every queue was asked for');
    const { offer, memberHash, from, to } = this;
    const found = collectKeys(offer, memberHash, from, to);
    this.keys = offer.scratch.slice(0, found).sort();
    this.read = 0;
    this.from = to;
    this.to = Math.min(distances, to * growth);
  }
}

/**
 * Puts the keys of all queues in this range of distances into the scratch; answers how many there are. The distance is
 * as good as random for each pair of queue and member; it is worked out here and not by a function of its own, because
 * this runs a million times in the first call of a process, when calls are dear.
 */
function collectKeys({ hashes, scratch }: Offer, memberHash: number, from: number, to: number): number {
  const count = hashes.length;
  let found = 0;
  for (let position = 0; position < count; position++) {
    let far = (hashes[position] ?? 0) ^ memberHash;
    far = Math.imul(far ^ (far >>> 16), 0x7feb352d);
    far = Math.imul(far ^ (far >>> 15), 0x846ca68b);
    far = (far ^ (far >>> 16)) >>> 0;
    if (far < to && far >= from) scratch[found++] = far * mostQueues + position;
  }
  return found;
}
