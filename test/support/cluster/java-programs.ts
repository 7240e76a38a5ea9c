// SPDX-License-Identifier: Apache-2.0
// How the official Java producer, consumer and admin tool are run beside a cluster. Their sources: test/support/java.

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type CommandResult, run } from './commands.ts';
import { ClusterError } from './errors.ts';
import type { RocketmqJars } from './jars.ts';
import { javaHomeOptions, makeJavaHome } from './java-home.ts';
import { removeAtExit, removeNow, startJava } from './java-process.ts';

/** A Cluster is one; so is `{ namesrvAddr, jars: await rocketmqJars('5.5.0') }` for the embedded cluster. */
export interface JavaTarget {
  readonly namesrvAddr: string;
  /** Of the client to use: any version talks to any broker. */
  readonly jars: RocketmqJars;
}

export interface JavaResult {
  /** null: ended by a signal. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The program's closing line of JSON; empty when there was none. */
  readonly summary: Readonly<Record<string, number>>;
}

export interface JavaRun extends AsyncDisposable {
  readonly pid: number;
  /** Never rejects. */
  readonly finished: Promise<JavaResult>;
  /** What was printed to standard output so far. */
  readonly lines: readonly string[];
  /** The first line that matches, printed already or to come. */
  line(matches: RegExp | ((line: string) => boolean), timeoutMs?: number): Promise<string>;
  /** Asks a consumer to shut down gracefully and waits for it. (A plain producer does not listen: it ends when done.) */
  stop(): Promise<JavaResult>;
  /** SIGKILL. */
  kill(): Promise<JavaResult>;
  suspend(): void;
  resume(): void;
}

/** How a client is told apart from others beyond its group. Default: not at all. */
interface JavaClientOptions {
  /** Version 1: `setNamespace`. */
  readonly namespace?: string;
  /** `setNamespaceV2`: clients from 5.1 on. */
  readonly namespaceV2?: string;
  /** `setUnitName`. */
  readonly unit?: string;
}

export interface JavaProducerOptions extends JavaClientOptions {
  readonly topic: string;
  readonly count: number;
  /** First sequence number: the ten digits that each body starts with, and KEYS. Default 0. */
  readonly start?: number;
  /** Body bytes. Default 256. */
  readonly size?: number;
  /** Messages a second; 0, the default: as fast as possible, in batches. */
  readonly rate?: number;
  /** Messages per batch when as fast as possible. Default 64. */
  readonly batch?: number;
  readonly threads?: number;
  readonly group?: string;
  readonly tag?: string;
  /** Number of sharding keys: each key goes to one queue in order. Default 0: none, round robin. */
  readonly sharding?: number;
  /** Only to this queue id of each broker. */
  readonly queue?: number;
  readonly delayLevel?: number;
  /** Repeat a failed send until acknowledged; what was stored but not acknowledged is then stored twice. */
  readonly retry?: boolean;
  /** Of one send, ms. Default 3000. */
  readonly timeout?: number;
}

export interface JavaConsumerOptions extends JavaClientOptions {
  readonly topic: string;
  readonly group: string;
  /** `bench` counts only and measures; it needs exitAfter. Default concurrent. */
  readonly mode?: 'concurrent' | 'orderly' | 'bench';
  /** Tag expression. Default `*`. */
  readonly expression?: string;
  /** For a group without offsets. Default FIRST. */
  readonly from?: 'FIRST' | 'LAST';
  /** Default 20. */
  readonly threads?: number;
  /** consumeMessageBatchMaxSize. Default 1. */
  readonly batch?: number;
  /** Default 32. */
  readonly pullBatch?: number;
  /** Per message, in the listener. */
  readonly sleepMs?: number;
  /** Each n-th sequence number fails `failTimes` times (1) before it is done. Default 0: none. */
  readonly failEvery?: number;
  readonly failTimes?: number;
  /**
   * `answer` (default): by the listener's answer. `copy`: by a plain send to the retry topic, which the client does when its
   * send-back (36) has failed; concurrent only. `both`: in turn.
   */
  readonly failBy?: 'answer' | 'copy' | 'both';
  /** A file that gets a line per message: read it with `readConsumed`. */
  readonly out?: string;
  /** A file that gets all fields of each message, a line of JSON each. */
  readonly fields?: string;
  /** Ends after that many messages. */
  readonly exitAfter?: number;
  readonly instance?: string;
}

export interface JavaFormsOptions {
  readonly topic: string;
  /** Prefix of the producer groups. */
  readonly group: string;
  /** A topic with `queue.type=BatchCQ`, for inner batches. */
  readonly batchTopic?: string;
  /** Also messages with a time of delivery: brokers from 5.0 on. */
  readonly timer?: boolean;
}

export interface JvmOptions {
  /** Default `-Xmx512m -XX:+UseSerialGC`. */
  readonly jvm?: readonly string[];
}

/** Prints READY, PROGRESS lines, `SENT n`; summary: sent, ms, rate, retries, failures. Exit code 1: a send failed. */
export function startJavaProducer(target: JavaTarget, options: JavaProducerOptions & JvmOptions): JavaRun {
  return startProgram(target, 'Producer', options);
}

/** Prints READY, `ASSIGNED n`, RATE lines, `CONSUMED n`; summary (bench): count, ms, firstMessageMs, rate. */
export function startJavaConsumer(target: JavaTarget, options: JavaConsumerOptions & JvmOptions): JavaRun {
  return startProgram(target, 'Consumer', options);
}

/**
 * One or a few messages of every form that the client can make: prints `FORM {json}` for each, `SENT n`, `CHECKED form` when the
 * broker asks about a transaction, and ends when stopped.
 */
export function startJavaForms(target: JavaTarget, options: JavaFormsOptions & JvmOptions): JavaRun {
  return startProgram(target, 'FormProducer', options);
}

/** Sends to the end and says what was sent; throws when a send failed. */
export async function produceByJava(
  target: JavaTarget,
  options: JavaProducerOptions & JvmOptions,
): Promise<JavaResult> {
  const result = await startJavaProducer(target, options).finished;
  if (result.code !== 0) {
    throw new ClusterError(
      'START_FAILED',
      `the Java producer ended with code ${result.code}\n${result.stdout}${result.stderr}`,
    );
  }
  return result;
}

/** RocketMQ's own admin tool, for example `mqadmin(cluster, ['consumerProgress', '-g', 'billing'])`. */
export async function mqadmin(target: JavaTarget, args: readonly string[]): Promise<CommandResult> {
  const home = temporaryHome();
  const options = [
    ...clientOptions(home),
    ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'], // it lives for a second or two
    ...(args.includes('-n') ? [] : [`-Drocketmq.namesrv.addr=${target.namesrvAddr}`]),
  ];
  try {
    return await run(
      'java',
      [...options, '-cp', target.jars.classpath, 'org.apache.rocketmq.tools.command.MQAdminStartup', ...args],
      { ROCKETMQ_HOME: home },
      home, // consumerStatus writes files where it stands
    );
  } finally {
    removeNow(home);
  }
}

export interface ConsumedMessage {
  readonly queueId: number;
  readonly queueOffset: number;
  readonly sequence: number;
  readonly brokerName: string;
  readonly reconsumeTimes: number;
  /** Wall clock. Unit: ms since 1970. */
  readonly timestamp: number;
  /** When the listener was called: CLOCK_MONOTONIC. Unit: ms. */
  readonly begunAt: number;
  readonly endedAt: number;
  /** Number of the listener call. */
  readonly call: number;
  readonly isDone: boolean;
  /** Of the queue it came from: for a retried message the retry topic. */
  readonly queueTopic: string;
  /** As the listener saw it. */
  readonly topic: string;
  /** Empty: none. */
  readonly shardingKey: string;
  /** The producer's id. */
  readonly msgId: string;
  readonly offsetMsgId: string;
  /** Property RETRY_TOPIC; empty: none. */
  readonly retryTopic: string;
  /** Property ORIGIN_MESSAGE_ID; empty: none. */
  readonly originId: string;
}

/** What a consumer with `out` has handled so far, in the order of handling. The file is at most 0.2 s behind. */
export function readConsumed(file: string): ConsumedMessage[] {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1); // the last is empty, or half written
  return lines.map(line => {
    const [queueId, queueOffset, sequence, brokerName = '', reconsumeTimes, timestamp, ...more] =
      line.split(' ');
    const [begunAt, endedAt, call, outcome, queueTopic = '', topic = '', shardingKey = '', ...ids] = more;
    const [msgId = '', offsetMsgId = '', retryTopic = '', originId = ''] = ids;
    return {
      queueId: Number(queueId),
      queueOffset: Number(queueOffset),
      sequence: Number(sequence),
      brokerName,
      reconsumeTimes: Number(reconsumeTimes),
      timestamp: Number(timestamp),
      begunAt: Number(begunAt),
      endedAt: Number(endedAt),
      call: Number(call),
      isDone: outcome === 'ok',
      ...{ queueTopic, topic, shardingKey, msgId, offsetMsgId, retryTopic, originId },
    };
  });
}

function startProgram(
  target: JavaTarget,
  main: 'Producer' | 'Consumer' | 'FormProducer',
  options: (JavaProducerOptions | JavaConsumerOptions | JavaFormsOptions) & JvmOptions,
): JavaRun {
  const { jvm = ['-Xmx512m', '-XX:+UseSerialGC'], ...programOptions } = options;
  const home = temporaryHome();
  const child = startJava({
    classpath: target.jars.classpath,
    options: [...clientOptions(home), ...jvm],
    main,
    args: words({ namesrv: target.namesrvAddr, ...programOptions }),
    cwd: process.cwd(),
    output: 'pipe',
  });
  return new ProgramRun(child, home);
}

interface Waiter {
  readonly matches: (line: string) => boolean;
  readonly resolve: (line: string) => void;
}

class ProgramRun implements JavaRun {
  readonly finished: Promise<JavaResult>;
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #waiters = new Set<Waiter>();
  #stderr = '';

  constructor(child: ChildProcess, home: string) {
    this.#child = child;
    const { stdout, stderr } = child;
    if (stdout === null || stderr === null) {
      throw new TypeError('a program is started with pipes');
    }
    createInterface({ input: stdout }).on('line', line => this.#receive(line));
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.finished = new Promise(resolve => {
      child.once('error', error => {
        this.#stderr += error.message;
      });
      child.once('close', code => {
        removeNow(home);
        resolve(this.#result(code));
      });
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) {
      throw new ClusterError('NOT_RUNNING', `the program was never started: ${this.#stderr}`);
    }
    return pid;
  }

  async line(matches: RegExp | ((line: string) => boolean), timeoutMs = 60_000): Promise<string> {
    const isWanted = typeof matches === 'function' ? matches : (line: string) => matches.test(line);
    const printed = this.lines.find(isWanted);
    if (printed !== undefined) {
      return printed;
    }
    let timer: NodeJS.Timeout | undefined;
    let waiter: Waiter | undefined;
    try {
      return await Promise.race([
        new Promise<string>(resolve => {
          waiter = { matches: isWanted, resolve };
          this.#waiters.add(waiter);
        }),
        new Promise<never>((_, reject) => {
          timer = setTimeout(
            () => reject(this.#error('TIMED_OUT', `no line ${matches} within ${timeoutMs} ms`)),
            timeoutMs,
          );
        }),
        this.finished.then(() => {
          throw this.#error('NOT_RUNNING', `the program ended without a line ${matches}`);
        }),
      ]);
    } finally {
      clearTimeout(timer);
      if (waiter !== undefined) {
        this.#waiters.delete(waiter);
      }
    }
  }

  stop(): Promise<JavaResult> {
    this.#child.stdin?.write('stop\n');
    return this.finished;
  }

  kill(): Promise<JavaResult> {
    this.#child.kill('SIGKILL');
    return this.finished;
  }

  suspend(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #receive(line: string): void {
    this.lines.push(line);
    for (const waiter of this.#waiters) {
      if (waiter.matches(line)) {
        waiter.resolve(line);
      }
    }
  }

  #result(code: number | null): JavaResult {
    const json = this.lines.findLast(line => line.startsWith('{'));
    return {
      code,
      stdout: this.lines.map(line => `${line}\n`).join(''),
      stderr: this.#stderr,
      summary: json === undefined ? {} : (JSON.parse(json) as Record<string, number>), // our own program's line
    };
  }

  #error(code: 'TIMED_OUT' | 'NOT_RUNNING', message: string): ClusterError {
    return new ClusterError(code, `${message}\n${this.lines.slice(-20).join('\n')}\n${this.#stderr}`);
  }
}

function temporaryHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'rocketmq-actors-client-'));
  removeAtExit(home);
  makeJavaHome(home);
  return home;
}

function clientOptions(home: string): string[] {
  return ['--add-opens=java.base/java.nio=ALL-UNNAMED', ...javaHomeOptions(home)];
}

function words(options: object): string[] {
  return Object.entries(options).map(([key, value]) => `${key}=${String(value)}`);
}
