// SPDX-License-Identifier: Apache-2.0
/** A group under load whose pulls and whose place in the broker's member list are watched: who has what, who is gone since when? */
import { setTimeout as pause } from 'node:timers/promises';
import { monotonicMs } from '../../../test/support/history/deliveries.ts';
import type { Touch } from '../../../test/support/history/owners.ts';
import {
  longestUnpulled,
  queuesOf,
  takenOverAfter,
  type Unpulled,
} from '../../../test/support/history/unpulled.ts';
import { Crew } from '../kit/crew.ts';
import { judgeHistory, untilDone } from '../kit/judge.ts';
import { judgeOrder } from '../kit/judge-order.ts';
import { Load } from '../kit/load.ts';
import type { Member, MemberOptions } from '../kit/member.ts';
import { MemberWatch, pullsOf, queuesIn } from '../kit/pulls.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';

export type Kind = 'concurrent' | 'orderly';

/** Unit: ms. `left`: how long a queue may be left alone once 38 no longer names its owner. */
export const limits: Readonly<Record<Kind, { readonly left: number; readonly killed: number }>> = {
  concurrent: { left: 30_000, killed: 5000 },
  orderly: { left: 65_000, killed: 65_000 },
};

const rate = 200;
const handlerMs = 5;

export class WatchedCrew implements AsyncDisposable {
  readonly kind: Kind;
  readonly crew: Crew;
  /** `topic@broker#id`. */
  readonly queues: readonly string[];
  readonly #stage: Stage;
  readonly #load: Load;
  readonly #watch: MemberWatch;

  private constructor(stage: Stage, kind: Kind, crew: Crew, queues: readonly string[]) {
    this.kind = kind;
    this.crew = crew;
    this.queues = queues;
    this.#stage = stage;
    this.#load = new Load(stage, { topic: crew.topic, rate });
    this.#watch = new MemberWatch(stage, crew.group);
  }

  /** Starts three members and the load; 8 queues in all. */
  static async begin(
    stage: Stage,
    kind: Kind,
    habits: Pick<MemberOptions, 'refuse'> = {},
  ): Promise<WatchedCrew> {
    const orderly = kind === 'orderly' ? { orderly: 'queue' as const } : {};
    const crew = new Crew(stage, `left-${kind}`, { handlerMs, ...orderly, ...habits });
    await stage.cluster.createTopic(crew.topic, { queues: 8 / stage.cluster.brokers.length });
    const queues = await queuesIn(stage.cluster, crew.topic);
    for (const name of ['anna', 'boris', 'clara']) crew.join(name);
    return new WatchedCrew(stage, kind, crew, queues);
  }

  pulls(): readonly Touch[] {
    return pullsOf(this.#stage.cluster, this.crew.topic, this.crew.all);
  }

  /** The living member that has most of these queues (all). */
  holder(among: readonly string[] = this.queues): Member {
    const pulls = this.pulls().filter(({ queue }) => among.includes(queue));
    const [most] = this.crew.living
      .map(member => ({ member, share: queuesOf(pulls, member.name, Infinity).length }))
      .sort((a, b) => b.share - a.share);
    if (most === undefined) throw new Error(`nobody is left in ${this.crew.group}`);
    return most.member;
  }

  /** Resolves when the living members have shared these queues (all) as evenly as can be and pull them. */
  async untilShared(among: readonly string[] = this.queues): Promise<void> {
    const { living, group } = this.crew;
    const fair = Math.floor(among.length / living.length);
    await this.#stage.until(`${living.length} members share the queues of ${group}`, 90_000, () => {
      const recent = this.pulls().filter(
        ({ queue, at }) => among.includes(queue) && at > monotonicMs() - 2000,
      );
      const shares = living.map(({ name }) => queuesOf(recent, name, Infinity).length);
      return (
        shares.reduce((sum, share) => sum + share, 0) === among.length &&
        shares.every(share => share === fair || share === fair + 1)
      );
    });
  }

  /** When the broker's member list last named it. */
  lastNamed(member: Member, after: number): number | undefined {
    return this.#watch.lastNamed(member.name, after);
  }

  /** The longest time since then that one of these queues (all) passed without a pull. */
  left(from: number, among: readonly string[] = this.queues): Unpulled | undefined {
    return longestUnpulled(this.pulls(), among, { from, to: monotonicMs() });
  }

  /** Waits until the others have the queues of a member that was killed, and judges how long that took. */
  async judgeLoss(
    report: Report,
    lost: { readonly member: Member; readonly at: number; readonly among?: readonly string[] },
  ): Promise<void> {
    const { member, at, among = this.queues } = lost;
    const { left, killed } = limits[this.kind];
    const owned = queuesOf(this.pulls(), member.name, at).filter(queue => among.includes(queue));
    const takenOver = (): number => takenOverAfter(this.pulls(), owned, { from: at, member: member.name });
    const deadline = monotonicMs() + left + 5000;
    while (takenOver() === Infinity && monotonicMs() < deadline) await pause(200);
    await pause(2000); // whatever is left alone after that
    const named = this.lastNamed(member, at);
    const longest = this.left(named ?? at, among);
    report.check('queues of the one that is gone', owned.length, { atLeast: 1 });
    report.speed('killed to taken over, ms', takenOver(), { atMost: killed });
    report.note('38 named it for, ms', named === undefined ? 'ever' : named - at);
    report.check('queue left alone since then, ms', longest?.ms ?? Infinity, { atMost: left });
  }

  /** Ends the load, waits for the rest, stops all; nothing may be lost, and an orderly group kept its order. */
  async end(report: Report, { wasFrozen = false } = {}): Promise<void> {
    const { topic } = this.crew;
    const count = await this.#load.stop();
    await untilDone(this.#stage, this.crew.all, count);
    await this.crew.stop();
    const deliveries = this.crew.deliveries();
    const sent = { from: 0, to: count };
    await judgeHistory(this.#stage, report, { topic, sent, deliveries, repeats: 'told' });
    this.#tellFaults();
    // A call that was frozen in the middle ends long after the queue had to be given to another: no lock can help that.
    if (this.kind === 'orderly' && !wasFrozen)
      await judgeOrder(this.#stage, report, { topic, by: 'queue', members: this.crew.all });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#load[Symbol.asyncDispose]();
    await this.#watch[Symbol.asyncDispose]();
    await this.crew[Symbol.asyncDispose]();
  }

  /** Brokers die here: faults are told, one of each code with its words. */
  #tellFaults(): void {
    const faults = this.crew
      .events('fault')
      .map(({ error }) => Object(error) as Readonly<Record<string, unknown>>); // Object() gives any
    for (const code of new Set(faults.map(each => String(each['code'])))) {
      const alike = faults.filter(each => each['code'] === code);
      this.#stage.say(`${this.crew.group}: ${alike.length} × ${code}: ${String(alike[0]?.['message'])}`);
    }
  }
}
