// SPDX-License-Identifier: Apache-2.0
/** Who watches a topic whose queues change: which are owned, when did the change show, how much was asked meanwhile? */
import { setTimeout as pause } from 'node:timers/promises';
import { mqadmin } from '../../../test/support/cluster/java-programs.ts';
import type { RawRoute } from '../../../test/support/cluster/raw-admin.ts';
import { monotonicMs } from '../../../test/support/history/deliveries.ts';
import { Crew } from '../kit/crew.ts';
import type { Member, MemberEvent } from '../kit/member.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';

const codes = { pull: 11, createTopic: 17, route: 105 } as const;

/** What the promise leaves a consumer from its first look at a changed route on. Unit: ms. */
const settleLimit = 30_000;
/** A defence: twice the period in which routes are asked, on a slow machine. Unit: ms. */
const patience = 90_000;

/** A topic, its members, and whoever changes it: the official tool at full size, the same requests in small. */
export class TopicTrial implements AsyncDisposable {
  readonly stage: Stage;
  readonly crew: Crew;

  constructor(stage: Stage, name: string) {
    this.stage = stage;
    const config = stage.pick({ full: {}, share: { pollNameServerInterval: 1000 } });
    this.crew = new Crew(stage, name, { config });
  }

  get topic(): string {
    return this.crew.topic;
  }

  /** On broker-a, or on the one that is named. */
  async setQueues(queues: number, brokerName = 'broker-a', perm = 6): Promise<void> {
    const { cluster, size } = this.stage;
    const { address } = cluster.broker(brokerName);
    if (size === 'share') return this.#setByHand(address, queues, perm);
    const shape = ['-r', `${queues}`, '-w', `${queues}`, '-p', `${perm}`];
    await this.#mqadmin('updateTopic', '-b', address, '-t', this.topic, ...shape);
  }

  async delete(): Promise<void> {
    const { cluster, size } = this.stage;
    if (size === 'share') await cluster.admin.deleteTopic(this.topic);
    else await this.#mqadmin('deleteTopic', '-c', 'DefaultCluster', '-t', this.topic);
  }

  /** The queues of the topic that a member has, as it was told. */
  ownedBy(member: Member): number {
    const isOurs = ({ queue }: MemberEvent): boolean => Object(queue).topic === this.topic;
    return member.all('assigned').filter(isOurs).length - member.all('revoked').filter(isOurs).length;
  }

  revoked(reason: string): number {
    const ours = this.crew.events('revoked').filter(({ queue }) => Object(queue).topic === this.topic);
    return ours.filter(each => each['reason'] === reason).length;
  }

  faults(code: string): number {
    return this.crew.events('fault').filter(({ error }) => Object(error).code === code).length;
  }

  /** Waits until every name server shows the change, then until the members have these shares; judges how long that took. */
  async settled(
    report: Report,
    what: string,
    { shows, split }: { readonly shows: (route: RawRoute | undefined) => boolean; readonly split: string },
  ): Promise<void> {
    const { admin, nameServers } = this.stage.cluster;
    await this.stage.until(`the route shows: ${what}`, patience, async () => {
      const routes = await Promise.all(
        nameServers.map(({ address }) => admin.topicRoute(this.topic, address)),
      );
      return routes.every(shows);
    });
    const shown = monotonicMs();
    const shares = (): string =>
      this.crew.living
        .map(member => this.ownedBy(member))
        .sort((a, b) => b - a)
        .join('/');
    await this.stage.until(`${what}: shared ${split}`, patience, () => shares() === split).catch(() => {}); // told below
    const at = monotonicMs();
    report.check(`${what}: split`, shares(), { is: split });
    const looked = Math.min(...this.crew.living.flatMap(member => this.#looksAt(member, shown)));
    report.note(`${what}: settled after the name servers show it, ms`, Math.round(at - shown));
    const sinceLook = Number.isFinite(looked) ? Math.max(0, at - looked) : 0; // settled before anybody looked again: by the last look
    report.speed(`${what}: settled after a member saw the route, ms`, sinceLook, { atMost: settleLimit });
  }

  /** What was asked while nothing was to be done. */
  async quiet(report: Report, what: string, ms: number, perSecond: number): Promise<void> {
    const from = monotonicMs();
    await pause(ms);
    const sent = this.crew.living.flatMap(member => member.wire().filter(({ at }) => at >= from));
    const pulls = sent.filter(({ code, queue }) => code === codes.pull && queue.startsWith(`${this.topic}#`));
    report.check(`${what}: pulls of the topic in ${ms} ms`, pulls.length, { is: 0 });
    const rate = (sent.length * 1000) / ms / this.crew.living.length;
    report.check(`${what}: requests of all kinds by a member in a second`, rate, { atMost: perSecond });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.crew[Symbol.asyncDispose]();
  }

  #looksAt(member: Member, from: number): readonly number[] {
    return member.wire().flatMap(({ code, at }) => (code === codes.route && at >= from ? at : []));
  }

  async #setByHand(address: string, queues: number, perm: number): Promise<void> {
    const fields = {
      ...{ topic: this.topic, defaultTopic: 'TBW102', readQueueNums: queues, writeQueueNums: queues, perm },
      ...{ topicFilterType: 'SINGLE_TAG', topicSysFlag: 0, order: false },
    };
    const { admin } = this.stage.cluster;
    const { code, remark } = await admin.request(address, { code: codes.createTopic, fields });
    if (code !== 0) throw new Error(`${this.topic} was not changed: ${code} ${remark}`);
  }

  async #mqadmin(...args: readonly string[]): Promise<void> {
    const { namesrvAddr, jars } = this.stage.cluster;
    for (let attempt = 1; ; attempt += 1) {
      const { stdout, stderr } = await mqadmin({ namesrvAddr, jars }, args);
      this.stage.say(`mqadmin ${args.join(' ')}\n${stdout}${stderr}`);
      if (stdout.includes('success')) return;
      // Its patience with brokers is short, and a machine may be busy.
      if (attempt === 3) throw new Error(`mqadmin ${args.join(' ')}: ${stdout}${stderr}`);
    }
  }
}

/** A route that gives every broker of the topic so many queues and this permission. */
export const named =
  (queues: Readonly<Record<string, number>>, perm = 6) =>
  (route: RawRoute | undefined): boolean => {
    const seen = route?.queues.map(each => `${each.brokerName} ${each.readQueues} ${each.perm}`) ?? [];
    const wanted = Object.entries(queues).map(([name, count]) => `${name} ${count} ${perm}`);
    return seen.sort().join() === wanted.sort().join();
  };
