// SPDX-License-Identifier: Apache-2.0
/** What does a piece of evidence stand on? A real cluster, a folder for the files of its members, and its size. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Cluster, ClusterOptions, RocketmqVersion } from '../../../test/support/cluster/cluster.ts';
import { Member, type MemberOptions } from './member.ts';
import type { Report } from './report.ts';

/** `full`: the promise as it is made. `share`: the same with small counts, in seconds, for continuous integration. */
export type Size = 'full' | 'share';

export interface Evidence {
  readonly name: string;
  /** The promise, in a line. */
  readonly about: string;
  /** Default true. */
  readonly needsCluster?: false;
  /** In small, for continuous integration, on this version only: it starts a cluster of its own or many JVMs, or shows what no broker has a part in. Default: on both. */
  readonly shareOn?: RocketmqVersion;
  run(stage: Stage, report: Report): Promise<void>;
}

/** In small, a lock whose holder is gone without a word ends after half of the usual time. Unit: ms. */
const shortLockLife = '-Drocketmq.broker.rebalance.lockMaxLiveTime=30000';

/** One cluster serves every piece: two name servers, short retry delays (the first retry comes after 1 s, not 10), open transactions asked about after 3 s. */
export function clusterOptions(version: RocketmqVersion, size: Size): ClusterOptions {
  return {
    version,
    nameServers: 2,
    brokerProperties: {
      messageDelayLevel: '1s 1s 1s 1s 2s 2s 3s 3s 5s 5s',
      transactionTimeOut: '3000',
      transactionCheckInterval: '1000',
      transactionOpBatchInterval: '100', // of 5.x: a broker that asks before it has noted a commit commits twice
    },
    ...(size === 'full' ? { purpose: 'measuring' } : { purpose: 'tests', jvmOptions: [shortLockLife] }),
  };
}

let used = 0;

export class Stage {
  readonly size: Size;
  readonly say: (line: string) => void;
  readonly #cluster: Cluster | undefined;
  readonly #workers: string;
  readonly #folder: string;

  constructor(given: {
    readonly size: Size;
    /** undefined: for evidence that needs none. */
    readonly cluster: Cluster | undefined;
    /** Folder of the member programs. */
    readonly workers: string;
    /** For the files of members; exists. */
    readonly folder: string;
    readonly say: (line: string) => void;
  }) {
    this.size = given.size;
    this.#cluster = given.cluster;
    this.say = given.say;
    this.#workers = given.workers;
    this.#folder = given.folder;
  }

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error('this evidence says that it needs no cluster');
    return this.#cluster;
  }

  /** The same stage over another cluster, for evidence that needs one of its own. */
  over(cluster: Cluster): Stage {
    const { size, say } = this;
    return new Stage({ ...{ size, say, cluster }, workers: this.#workers, folder: this.#folder });
  }

  /** One figure for each size. */
  pick<Value>(values: Readonly<Record<Size, Value>>): Value {
    return values[this.size];
  }

  /** A name for a topic or group that nobody has used. */
  readonly fresh = (name: string): string => {
    used += 1;
    return `${name}-${process.pid}-${used}`;
  };

  file(name: string): string {
    return `${this.#folder}/${name}`;
  }

  /** A member in a process of its own, started and not yet running. */
  member(options: Omit<MemberOptions, 'namesrv'> & { readonly namesrv?: string }): Member {
    const place = { workers: this.#workers, folder: this.#folder };
    return new Member(place, { ...options, namesrv: options.namesrv ?? this.cluster.namesrvAddr });
  }

  /** Resolves when the condition holds; rejects after that time naming what was waited for. */
  async until(what: string, timeoutMs: number, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!(await isTrue())) {
      if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs} ms`);
      await pause(100);
    }
  }
}
