// SPDX-License-Identifier: Apache-2.0
// One name server or broker: how it is started, seen to be ready, killed, brought back, frozen and thawed.

import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from './errors.ts';
import { startJava } from './java-process.ts';
import { untilListening } from './ports.ts';

export interface Node {
  readonly name: string;
  /** `'127.0.0.1:12345'` */
  readonly address: string;
  /** Of the process that runs now, or ran last. */
  readonly pid: number;
  readonly isRunning: boolean;
  readonly isSuspended: boolean;
  /** Date.now() when the port last opened: seen by trying to connect every 10 ms. */
  readonly portOpenedAt: number;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM: a broker writes down its offsets and unregisters, which may take seconds; SIGKILL after 30 s. */
  terminate(): Promise<void>;
  /** Kills it if it still runs, then starts it on the same port with the same store; resolves when it is ready. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open and nothing is answered. */
  suspend(): void;
  /** SIGCONT. */
  resume(): void;
  /** Resolves when the port accepts connections; after a kill, call it beside `restart()`. */
  waitForPort(timeoutMs?: number): Promise<void>;
  /** The last lines of what the process wrote. */
  logTail(lines?: number): string;
}

export interface NodeSpec {
  readonly name: string;
  readonly port: number;
  /** Its own: configuration, log and store. Exists. */
  readonly folder: string;
  readonly main: string;
  readonly args: readonly string[];
  readonly classpath: string;
  readonly jvmOptions: readonly string[];
  /** After the port is open: what else must be true. */
  readonly untilReady: (signal: AbortSignal) => Promise<void>;
}

/** A start takes about 3 s; this is for a machine that does much else. */
const startTimeoutMs = 120_000;
const terminateTimeoutMs = 30_000;
/** What every version prints to standard output once all its ports are bound. */
const bootLine = 'boot success';

export class ClusterNode implements Node {
  readonly name: string;
  readonly address: string;
  readonly #spec: NodeSpec;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #portOpenedAt = Number.NaN;
  #isSuspended = false;
  #logStart = 0;

  constructor(spec: NodeSpec) {
    this.#spec = spec;
    this.name = spec.name;
    this.address = `127.0.0.1:${spec.port}`;
    this.#logFile = join(spec.folder, 'log.txt');
    mkdirSync(spec.folder, { recursive: true });
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) {
      throw new ClusterError('NOT_RUNNING', `${this.name} was never started`);
    }
    return pid;
  }

  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  get portOpenedAt(): number {
    return this.#portOpenedAt;
  }

  /** Whether the last start failed because another process holds one of the ports. */
  get isPortTaken(): boolean {
    return /BindException|Address already in use|Port already in use/.test(this.#log());
  }

  async start(): Promise<void> {
    const child = this.#spawn();
    this.#child = child;
    const failed = new AbortController();
    const fail = (reason: string): void =>
      failed.abort(new ClusterError('START_FAILED', `${this.name} ${reason}\n${this.logTail()}`));
    const onError = (error: Error): void => fail(`could not be run: ${error.message}`);
    const onExit = (code: number | null, signal: NodeJS.Signals | null): void =>
      fail(`ended with ${signal ?? `code ${code}`} while starting`);
    const timer = setTimeout(
      () => fail(`was not ready on ${this.address} after ${startTimeoutMs} ms`),
      startTimeoutMs,
    );
    child.once('error', onError);
    child.once('exit', onExit);
    try {
      await this.#untilReady(failed.signal);
    } catch (error) {
      await this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
      child.removeListener('error', onError);
      child.removeListener('exit', onExit);
    }
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async terminate(): Promise<void> {
    const timer = setTimeout(() => void this.kill(), terminateTimeoutMs);
    await this.#end('SIGTERM');
    clearTimeout(timer);
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  suspend(): void {
    this.#signal('SIGSTOP');
    this.#isSuspended = true;
  }

  resume(): void {
    this.#signal('SIGCONT');
    this.#isSuspended = false;
  }

  async waitForPort(timeoutMs = startTimeoutMs): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    if (!(await untilListening(this.#spec.port, () => Date.now() > deadline))) {
      throw new ClusterError('TIMED_OUT', `${this.address} did not open within ${timeoutMs} ms`);
    }
  }

  logTail(lines = 40): string {
    return this.#log().trimEnd().split('\n').slice(-lines).join('\n');
  }

  #spawn(): ChildProcess {
    const { folder, main, args, classpath, jvmOptions } = this.#spec;
    const log = openSync(this.#logFile, 'a');
    this.#logStart = statSync(this.#logFile).size;
    try {
      return startJava({
        classpath,
        options: [...jvmOptions, `-Dguarded.folder=${folder}`],
        main: 'Guarded',
        args: [main, ...args],
        cwd: folder,
        env: { ROCKETMQ_HOME: folder },
        output: log,
      });
    } finally {
      closeSync(log);
    }
  }

  /** The port alone would not do: it may be another process that holds it, while ours is about to fail to bind. */
  async #untilReady(failed: AbortSignal): Promise<void> {
    await untilListening(this.#spec.port, () => failed.aborted);
    this.#portOpenedAt = Date.now();
    while (!failed.aborted && !this.#log().includes(bootLine)) {
      await delay(10);
    }
    failed.throwIfAborted();
    await this.#spec.untilReady(failed);
    failed.throwIfAborted();
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.pid === undefined || !this.isRunning) {
      return;
    }
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill(signal);
    await gone;
    this.#isSuspended = false;
  }

  #signal(signal: NodeJS.Signals): void {
    if (!this.isRunning) {
      throw new ClusterError('NOT_RUNNING', `${this.name} does not run: no ${signal}`);
    }
    this.#child?.kill(signal);
  }

  /** Since the last start. */
  #log(): string {
    try {
      return readFileSync(this.#logFile).subarray(this.#logStart).toString();
    } catch {
      return ''; // removed with the cluster
    }
  }
}
