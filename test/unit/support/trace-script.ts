// SPDX-License-Identifier: Apache-2.0
/** How is a trace for a test of the rules written? Line by line, without a consumer. */
import { type CheckOptions, checkTrace } from '../../support/trace-checker.ts';
import type { Fields, ToldEntry, TracedQueue, TraceEntry } from '../../support/trace-entries.ts';

export const address = '127.0.0.1:10911';
export const group = 'g';
export const queue: TracedQueue = { topic: 't', brokerName: 'b', queueId: 0 };
export const onQueue: Fields = { consumerGroup: group, topic: 't', queueId: '0', bname: 'b' };

/** Of the consumer whose trace it is. */
export const ownId = 'me@1';
/** Under which its fence is asked for. */
const fence = `%RETRY%${group}`;

/** Writes a trace line by line; every step takes 10 ms. */
export class Script {
  readonly entries: TraceEntry[] = [];
  private clock = 0;
  private opaque = 0;
  private delivery = 0;

  wait(ms: number): this {
    this.clock += ms;
    return this;
  }
  open(connection = 1): this {
    return this.add({ kind: 'open', connection, address });
  }
  close(connection = 1, by: 'us' | 'peer' = 'us'): this {
    return this.add({ kind: 'close', connection, address, by });
  }
  send(
    code: number,
    fields: Fields,
    options: { oneway?: boolean; body?: unknown; connection?: number } = {},
  ): this {
    return this.add({
      kind: options.oneway === true ? 'oneway' : 'request',
      direction: 'out',
      connection: options.connection ?? 1,
      address,
      code,
      opaque: ++this.opaque,
      fields,
      ...(options.body === undefined ? {} : { body: options.body }),
    });
  }
  /** Answers the last request, or the one before that many. */
  answer(
    code = 0,
    more: { fields?: Fields; offsets?: number[]; body?: unknown; back?: number; connection?: number } = {},
  ): this {
    const { fields = {}, offsets, body, back = 0, connection = 1 } = more;
    const opaque = this.opaque - back;
    const list = { ...(offsets !== undefined && { offsets }), ...(body !== undefined && { body }) };
    return this.add({
      kind: 'response',
      direction: 'in',
      connection,
      address,
      code,
      opaque,
      fields,
      ...list,
    });
  }
  beat(connection = 1): this {
    const body = { clientID: ownId, consumerDataSet: [{ groupName: group }] };
    return this.send(34, {}, { body, connection });
  }
  /** A connection with an answered heartbeat. */
  ready(connection = 1): this {
    return this.open(connection).beat(connection).answer(0, { connection });
  }
  pull(from: number, commit?: number, connection = 1): this {
    const flag = commit === undefined ? { sysFlag: '2' } : { sysFlag: '3', commitOffset: String(commit) };
    return this.send(11, { ...onQueue, queueOffset: String(from), ...flag }, { connection });
  }
  commit(offset: number, oneway = false): this {
    return this.send(15, { ...onQueue, commitOffset: String(offset) }, { oneway });
  }
  unregister(): this {
    return this.send(35, { clientID: 'c', consumerGroup: group });
  }
  /** Asks where the group stands in the queue. */
  look(offset?: number): this {
    this.send(14, onQueue);
    return offset === undefined ? this.answer(22) : this.answer(0, { fields: { offset: String(offset) } });
  }
  /** The members of the group, as this broker lists them. */
  list(...ids: string[]): this {
    return this.send(38, { consumerGroup: group }).answer(0, { body: { consumerIdList: ids } });
  }
  /** A 41 for the queue without its answer. */
  ask(name = fence, connection = 1): this {
    const body = { clientId: ownId, consumerGroup: name, mqSet: [queue] };
    return this.send(41, {}, { body, connection });
  }
  granted(connection = 1): this {
    return this.answer(0, { body: { lockOKMQSet: [queue] }, connection });
  }
  refused(connection = 1): this {
    return this.answer(0, { body: { lockOKMQSet: [] }, connection });
  }
  /** Asks for the lock and gets it. */
  lock(name = fence): this {
    return this.ask(name).granted();
  }
  /** A 42 for the queue without its answer. */
  unlock(clientId = ownId, options: { name?: string; oneway?: boolean } = {}): this {
    const { name = fence, oneway = false } = options;
    return this.send(42, {}, { body: { clientId, consumerGroup: name, mqSet: [queue] }, oneway });
  }
  begin(...offsets: number[]): this {
    const messages = offsets.map(offset => ({
      queueOffset: offset,
      commitLogOffset: offset * 100,
      msgId: `id${offset}`,
    }));
    return this.add({ kind: 'begin', delivery: ++this.delivery, queue, messages });
  }
  end(done: number, delivery = this.delivery, more: { kept?: true; commits?: number[] } = {}): this {
    return this.add({ kind: 'end', delivery, outcome: 'undefined', done, ...more });
  }
  deliver(...offsets: number[]): this {
    return this.begin(...offsets).end(offsets.length);
  }
  mark(
    mark: 'stopped' | 'hardStop' | 'killed' | 'moved',
    more: { address?: string; topic?: string } = {},
  ): this {
    return this.add({ kind: 'mark', mark, ...more });
  }
  /** What the consumer decided, was told, or told. */
  told(mark: ToldEntry): this {
    return this.add({ kind: 'mark', ...mark });
  }
  /** It is to hold the queue, or none. */
  decide(holds: boolean): this {
    return this.told({ mark: 'decided', queues: holds ? [queue] : [] });
  }
  revoked(reason = 'rebalance'): this {
    return this.told({ mark: 'revoked', queue, reason });
  }
  sleep(ms: number): this {
    this.wait(ms);
    return this.add({ kind: 'mark', mark: 'slept', ms });
  }
  /** What a clean end looks like. */
  leave(commit?: number): this {
    if (commit !== undefined) this.commit(commit).answer();
    return this.unregister().answer().close().mark('stopped');
  }
  check(options?: CheckOptions): readonly string[] {
    return checkTrace(this.entries, options).map(({ rule, line, problem }) => `${rule} ${line}: ${problem}`);
  }

  private add(
    entry: TraceEntry extends infer Entry ? (Entry extends TraceEntry ? Omit<Entry, 'at'> : never) : never,
  ): this {
    this.clock += 10;
    this.entries.push({ at: this.clock, ...entry });
    return this;
  }
}

export const script = (): Script => new Script();
