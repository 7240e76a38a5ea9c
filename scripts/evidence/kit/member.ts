// SPDX-License-Identifier: Apache-2.0
/** How is a member of a group run in a process of its own, told what to do, frozen, thawed and asked for what it wrote down? */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  type Delivery,
  DeliveryReader,
  monotonicMs,
  WireReader,
  type WireRequest,
} from '../../../test/support/history/deliveries.ts';

/** What `scripts/workers/member.mjs` takes; described there. */
export interface MemberOptions {
  readonly namesrv: string;
  readonly group: string;
  readonly topic: string;
  /** Of its files, and in what is told. */
  readonly name: string;
  /** Part of its client id. Default: the name. */
  readonly instance?: string;
  /** An orderly listener, in the order of that. Default: a concurrent one. */
  readonly orderly?: 'queue' | 'shardingKey';
  readonly flush?: 'each' | 'often';
  readonly handlerMs?: number;
  readonly failEvery?: number;
  readonly failTimes?: number;
  readonly failBy?: 'throw' | 'answer';
  readonly hold?: number;
  readonly exitAfter?: number;
  readonly commitEvery?: number;
  /** `41:16`: requests of that code are answered so inside the process. */
  readonly refuse?: string;
  /** The WebSocket of a Stately inspector page, there or not. */
  readonly inspect?: string;
  /** Whether the requests are written down too; they cost memory. Default true. */
  readonly wire?: boolean;
  /** Options of the consumer beside these. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** Something that happened in the member, with what it said about it. Unit of `at`: CLOCK_MONOTONIC ms. */
export interface MemberEvent {
  readonly event: string;
  readonly at: number;
  readonly [fact: string]: unknown;
}

const living = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

export interface MemberPlace {
  /** Folder of the member programs. */
  readonly workers: string;
  /** Where its files go. */
  readonly folder: string;
}

export class Member implements AsyncDisposable {
  readonly name: string;
  readonly events: MemberEvent[] = [];
  /** What it wrote to standard output that is no event, and to standard error. */
  readonly log: string[] = [];
  /** The code it ended with; null: by a signal. Never rejects. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #out: DeliveryReader;
  readonly #wire: WireReader;
  readonly #waiters = new Set<() => void>();
  #endedAt: number | undefined;
  #hasClosed = false;

  /** Starts the process. Its files are `<folder>/<group>-<name>.out` and `.wire`. */
  constructor({ workers, folder }: MemberPlace, options: MemberOptions) {
    const { config = {}, wire = true, ...words } = options;
    this.name = options.name;
    const file = join(folder, `${options.group}-${options.name}`);
    const files = { out: `${file}.out`, ...(wire && { wire: `${file}.wire` }) };
    this.#out = new DeliveryReader(`${file}.out`);
    this.#wire = new WireReader(`${file}.wire`);
    const given = { ...words, ...files, config: JSON.stringify(config) };
    const args = Object.entries(given).map(([key, value]) => `${key}=${String(value)}`);
    this.#child = spawn(process.execPath, [join(workers, 'member.mjs'), ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.ended = this.#watch(this.#child);
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.name} was never started: ${this.log.join('\n')}`);
    return pid;
  }

  /** The first event of that kind that fits, seen already or to come. Rejects when the process ends without it, or after that time. */
  async event(
    name: string,
    fits: (event: MemberEvent) => boolean = () => true,
    timeoutMs = 120_000,
  ): Promise<MemberEvent> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = this.events.find(each => each.event === name && fits(each));
      if (found !== undefined) return found;
      if (this.#hasClosed) throw this.#error(`ended without '${name}'`);
      if (Date.now() >= deadline) throw this.#error(`said no '${name}' within ${timeoutMs} ms`);
      await this.#something(deadline - Date.now());
    }
  }

  all(name: string): readonly MemberEvent[] {
    return this.events.filter(each => each.event === name);
  }

  deliveries(): readonly Delivery[] {
    return this.#out.read();
  }

  wire(): readonly WireRequest[] {
    return this.#wire.read();
  }

  /** Shuts it down in order. Its `stopped` event. */
  async stop(): Promise<MemberEvent> {
    this.#child.stdin?.write('stop\n');
    const stopped = await this.event('stopped');
    await this.ended;
    return stopped;
  }

  /** Lets go the message that `hold` holds. */
  release(): void {
    this.#child.stdin?.write('release\n');
  }

  /** From now on that message is done. */
  mend(): void {
    this.#child.stdin?.write('mend\n');
  }

  suspend(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** What the process has in memory now. Unit: MB. */
  memoryMb(): number {
    const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? [];
    return Number(kib) / 1024;
  }

  /** Processor time used so far. Unit: ms. */
  cpuMs(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10; // utime and stime, in ticks of 10 ms
  }

  get isAlive(): boolean {
    return this.#endedAt === undefined;
  }

  /** When the process was gone, or told to be by SIGKILL; undefined: it lives. Unit: CLOCK_MONOTONIC ms. */
  get endedAt(): number | undefined {
    return this.#endedAt;
  }

  /** SIGKILL; resolves when it is gone, with the time at which it was told to. */
  async kill(): Promise<number> {
    this.#child.kill('SIGKILL');
    const at = monotonicMs();
    this.#endedAt ??= at; // its exit is told when this process has time to hear of it
    await this.ended;
    return at;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isAlive) await this.kill();
    await this.ended;
  }

  #watch(child: ChildProcess): Promise<number | null> {
    living.add(child);
    child.stdin?.on('error', () => {}); // it ended first
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', line => this.#read(line));
    if (child.stderr !== null)
      createInterface({ input: child.stderr }).on('line', line => this.log.push(line));
    return new Promise(resolve => {
      child.once('error', error => this.log.push(error.message));
      child.once('exit', () => {
        this.#endedAt ??= monotonicMs();
      });
      child.once('close', code => {
        living.delete(child);
        this.#hasClosed = true;
        this.#endedAt ??= monotonicMs();
        resolve(code);
        this.#wake();
      });
    });
  }

  #read(line: string): void {
    const event = eventOf(line);
    if (event === undefined) this.log.push(line);
    else this.events.push(event);
    this.#wake();
  }

  #something(timeoutMs: number): Promise<void> {
    return new Promise(resolve => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      this.#waiters.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  #error(what: string): Error {
    const events = this.events.slice(-15).map(event => JSON.stringify(event).slice(0, 300));
    return new Error(`${this.name} ${what}\n${[...events, ...this.log.slice(-15)].join('\n')}`);
  }
}

/** The line of a library's log, or of a crash, is no event. */
function eventOf(line: string): MemberEvent | undefined {
  try {
    const parsed: unknown = JSON.parse(line);
    const { event, at } = Object(parsed) as { event?: unknown; at?: unknown }; // Object() gives any
    return typeof event === 'string' && typeof at === 'number' ? (parsed as MemberEvent) : undefined; // both fields were looked at
  } catch {
    return undefined;
  }
}
