// SPDX-License-Identifier: Apache-2.0
/** What does a consumer meet in a test with a TestClock? A name server and brokers as plain objects behind a Dialer: small, scripted, and wilful. */
import type { Clock } from '../../src/model/clock.ts';
import { type MessageQueue, queueKey } from '../../src/model/message-queue.ts';
import type { Address, TopicRoute } from '../../src/model/route.ts';
import { encodeConsumerList } from '../../src/protocol/bodies/consumer-list.ts';
import { parseHeartbeat } from '../../src/protocol/bodies/heartbeat.ts';
import { encodeRoute } from '../../src/protocol/bodies/route.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import {
  type ExtFields,
  type Frame,
  isOneway,
  isResponse,
  type OutgoingFrame,
} from '../../src/protocol/frame.ts';
import { connectFailed } from '../../src/transport/dial-wait.ts';
import type { Dialer, Socket, SocketHandlers } from '../../src/transport/ports.ts';
import { recordOf } from './builders.ts';
import { FakeSocket } from './fake-dialer.ts';
import { ScriptedLocks } from './scripted-locks.ts';

/** What an address does with whoever dials or asks it. `mute`: it accepts, reads, and never answers. */
export type Manner = 'answering' | 'refusing' | 'hanging' | 'mute';

export type Reply = Partial<OutgoingFrame>;

/** A request as it arrived. */
export interface Asked {
  /** Monotonic ms. */
  readonly at: number;
  readonly address: Address;
  readonly code: number;
  readonly fields: ExtFields;
  readonly body: Buffer;
  readonly oneway: boolean;
}

/** Takes the place of an answer. `undefined`: none at all; `'as usual'`: what the cluster would have said. */
export type Script = (asked: Asked) => Reply | 'as usual' | undefined;

/** One queue as its broker stores it. */
export interface StoredQueue {
  min: number;
  max: number;
  committed: number | undefined;
}

export interface ClusterOptions {
  readonly clock: Clock;
  /** Default: `broker-a`. Their addresses are `broker-a:10911` and so on. */
  readonly brokers?: readonly string[];
  /** Those of them that have a slave, `broker-a-slave:10911`, with broker id 1. It has what the master has, less {@link ScriptedCluster.lag}. */
  readonly slaves?: readonly string[];
  /** Readable queues on each broker. Default: `{ orders: 2 }`. */
  readonly topics?: Readonly<Record<string, number>>;
  /** When an answer is sent; for races. Default: at once. */
  readonly delay?: (asked: Asked) => Promise<unknown>;
}

interface Parked {
  readonly socket: FakeSocket;
  readonly frame: Frame;
  readonly key: string;
  readonly timer: unknown;
}

export const nameServer: Address = 'ns:9876';
const port = 10911;
/** Most messages in one answer. */
const batch = 32;

export class ScriptedCluster {
  readonly asked: Asked[] = [];
  /** What consumers answered to {@link ask}. */
  readonly answers: Frame[] = [];
  readonly queues = new Map<string, StoredQueue>();
  /** Queues of a topic on each broker; a topic that is not here is unknown (17). */
  readonly topics: Map<string, number>;
  /** Client ids in the answers to 38, beside those that sent a heartbeat. */
  readonly otherMembers = new Set<string>();
  readonly members = new Set<string>();
  readonly locks = new ScriptedLocks();
  readonly dials: Address[] = [];
  /** The last so many messages of each queue have not reached the slaves. */
  lag = 0;
  /** Brokers whose masters no name server names any more. */
  readonly withoutMaster = new Set<string>();
  readonly #slaves: readonly string[];
  readonly #brokers: readonly string[];
  readonly #clock: Clock;
  readonly #delay: ClusterOptions['delay'];
  readonly #manners = new Map<Address, Manner>();
  readonly #scripts = new Map<number, Script>();
  readonly #sockets = new Map<FakeSocket, Address>();
  readonly #parked = new Set<Parked>();

  constructor({ clock, brokers = ['broker-a'], slaves = [], topics = { orders: 2 }, delay }: ClusterOptions) {
    this.#slaves = slaves;
    this.#delay = delay;
    this.#clock = clock;
    this.#brokers = brokers;
    this.topics = new Map(Object.entries(topics));
  }

  readonly dialer: Dialer = {
    dial: (address, handlers, { signal }) => {
      this.dials.push(address);
      const manner = this.#mannerOf(address);
      if (manner === 'refusing') return Promise.reject(connectFailed(address, 'ECONNREFUSED', undefined));
      if (manner === 'hanging') return never(signal);
      return Promise.resolve(this.#accept(address, handlers));
    },
  };

  get openSockets(): number {
    return [...this.#sockets.keys()].filter(socket => !socket.destroyed).length;
  }

  /** From now on; connections that are up stay up. */
  manner(address: Address, manner: Manner): void {
    this.#manners.set(address, manner);
  }

  /** From now on requests with this code are answered by the script. */
  on(code: number, script: Script): void {
    this.#scripts.set(code, script);
  }

  /** The network ends every connection to this address. */
  cut(address: Address): void {
    for (const [socket, to] of this.#sockets) if (to === address && !socket.destroyed) socket.drop();
  }

  /** Code 40 to everybody connected to a broker: the members of the group changed. */
  tellMembersChanged(consumerGroup: string): void {
    this.ask({ code: RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, flag: 2, fields: { consumerGroup } });
  }

  /** A broker's request to everybody connected to it; also one-way, by flag 2. */
  ask(request: Partial<OutgoingFrame> & { readonly code: number }): void {
    for (const [socket, to] of this.#sockets) {
      if (to !== nameServer && !socket.destroyed) socket.ask(request);
    }
  }

  /** Messages appear at the end of a queue; whoever waits for them gets them. */
  store(queue: MessageQueue, count: number): void {
    this.queue(queueKey(queue)).max += count;
    for (const parked of this.#parked) {
      if (parked.key === queueKey(queue)) this.#unpark(parked, this.#pull(parked.frame, parked.key));
    }
  }

  queue(key: string): StoredQueue {
    const known = this.queues.get(key);
    if (known !== undefined) return known;
    const fresh: StoredQueue = { min: 0, max: 0, committed: undefined };
    this.queues.set(key, fresh);
    return fresh;
  }

  /** Requests with these codes, in order; all codes when none is given. */
  codes(...wanted: readonly number[]): readonly number[] {
    const codes = this.asked.map(({ code }) => code);
    return wanted.length === 0 ? codes : codes.filter(code => wanted.includes(code));
  }

  askedFor(code: number): readonly Asked[] {
    return this.asked.filter(asked => asked.code === code);
  }

  #mannerOf(address: Address): Manner {
    return this.#manners.get(address) ?? 'answering';
  }

  #accept(address: Address, handlers: SocketHandlers): Socket {
    const socket: FakeSocket = new FakeSocket({
      ...handlers,
      onClose: error => {
        for (const parked of this.#parked) if (parked.socket === socket) this.#forget(parked);
        this.#sockets.delete(socket);
        handlers.onClose(error);
      },
    });
    socket.onFrame = frame => this.#receive(address, socket, frame);
    this.#sockets.set(socket, address);
    return socket;
  }

  #receive(address: Address, socket: FakeSocket, frame: Frame): void {
    if (isResponse(frame)) {
      this.answers.push(frame);
      return;
    }
    const { code, fields, body } = frame;
    const asked = { at: this.#clock.now(), address, code, fields, body, oneway: isOneway(frame) };
    this.asked.push(asked);
    if (this.#mannerOf(address) === 'mute') return;
    const scripted = this.#scripts.get(code)?.(asked) ?? (this.#scripts.has(code) ? undefined : 'as usual');
    const reply = scripted === 'as usual' ? this.#usual(asked, socket, frame) : scripted;
    if (reply === undefined || asked.oneway) return;
    if (this.#delay === undefined) socket.answer(frame, reply);
    else void this.#delay(asked).then(() => socket.answer(frame, reply));
  }

  #usual(asked: Asked, socket: FakeSocket, frame: Frame): Reply | undefined {
    switch (asked.code) {
      case RequestCode.GET_ROUTEINFO_BY_TOPIC:
        return this.#route(asked.fields['topic'] ?? '');
      case RequestCode.HEART_BEAT:
        this.members.add(parseHeartbeat(asked.body).clientID);
        return {};
      case RequestCode.UNREGISTER_CLIENT:
        this.members.delete(asked.fields['clientID'] ?? '');
        return {};
      case RequestCode.GET_CONSUMER_LIST_BY_GROUP:
        return { body: encodeConsumerList([...this.members, ...this.otherMembers].sort()) };
      case RequestCode.PULL_MESSAGE:
        return isSlave(asked.address)
          ? this.#pullFromSlave(frame, keyOf(asked))
          : this.#pullOrPark(socket, frame, keyOf(asked));
      case RequestCode.LOCK_BATCH_MQ:
        return { body: this.locks.lock(asked.body) };
      case RequestCode.UNLOCK_BATCH_MQ:
        this.locks.unlock(asked.body);
        return {};
      case RequestCode.CONSUMER_SEND_MSG_BACK:
        return {};
      case RequestCode.GET_TOPIC_STATS_INFO:
        return this.topics.has(asked.fields['topic'] ?? '') ? {} : { code: ResponseCode.TOPIC_NOT_EXIST };
      default:
        return this.#offsetAnswer(asked);
    }
  }

  #offsetAnswer(asked: Asked): Reply {
    const queue = this.queue(keyOf(asked));
    switch (asked.code) {
      case RequestCode.QUERY_CONSUMER_OFFSET:
        return queue.committed === undefined
          ? { code: ResponseCode.QUERY_NOT_FOUND, remark: 'Not found, maybe this group consumer boot first' }
          : { fields: { offset: String(queue.committed) } };
      case RequestCode.UPDATE_CONSUMER_OFFSET:
        queue.committed = Number(asked.fields['commitOffset']);
        return {};
      case RequestCode.GET_MIN_OFFSET:
        return { fields: { offset: String(queue.min) } };
      case RequestCode.GET_MAX_OFFSET:
        return { fields: { offset: String(queue.max) } };
      default:
        return { code: ResponseCode.REQUEST_CODE_NOT_SUPPORTED, remark: `request ${asked.code}` };
    }
  }

  #route(topic: string): Reply {
    const queues = this.topics.get(topic);
    if (queues === undefined)
      return { code: ResponseCode.TOPIC_NOT_EXIST, remark: `No topic route ${topic}` };
    const route: TopicRoute = {
      brokers: this.#brokers.map(brokerName => ({
        brokerName,
        cluster: 'test',
        addresses: this.#addressesOf(brokerName),
      })),
      queues: this.#brokers.map(brokerName => ({
        brokerName,
        readQueueNums: queues,
        writeQueueNums: queues,
        perm: 6,
      })),
    };
    return { body: encodeRoute(route) };
  }

  #addressesOf(brokerName: string): Map<number, Address> {
    const addresses = new Map<number, Address>();
    if (!this.withoutMaster.has(brokerName)) addresses.set(0, addressOf(brokerName));
    if (this.#slaves.includes(brokerName)) addresses.set(1, slaveOf(brokerName));
    return addresses;
  }

  /** As a slave of 4.9 and 5.x that may be read: what it does not have is answered 20, with the offset that was asked for. */
  #pullFromSlave(frame: Frame, key: string): Reply {
    const { min, max } = this.queue(key);
    const has = Math.max(min, max - this.lag);
    const asked = Number(frame.fields['queueOffset']);
    if (asked < has) return this.#pull(frame, key, has);
    const fields = {
      ...{ suggestWhichBrokerId: '0', nextBeginOffset: String(asked) },
      ...{ minOffset: String(min), maxOffset: String(has) },
    };
    const remark = asked === has ? 'OFFSET_OVERFLOW_ONE' : 'OFFSET_OVERFLOW_BADLY';
    return { code: ResponseCode.PULL_RETRY_IMMEDIATELY, remark, fields };
  }

  #pullOrPark(socket: FakeSocket, frame: Frame, key: string): Reply | undefined {
    const { queueOffset, suspendTimeoutMillis, sysFlag, commitOffset } = frame.fields;
    const queue = this.queue(key);
    if ((Number(sysFlag) & 1) === 1) queue.committed = Number(commitOffset);
    if (Number(queueOffset) < queue.max) return this.#pull(frame, key);
    if (socket.destroyed) return undefined; // it hung up meanwhile
    const timer = this.#clock.setTimeout(
      () => this.#unpark(parked, this.#pull(frame, key)),
      Number(suspendTimeoutMillis),
    );
    const parked: Parked = { socket, frame, key, timer };
    this.#parked.add(parked);
    return undefined;
  }

  #pull(frame: Frame, key: string, max = this.queue(key).max): Reply {
    const { min } = this.queue(key);
    const from = Number(frame.fields['queueOffset']);
    const to = Math.min(max, from + Math.min(batch, Number(frame.fields['maxMsgNums'])));
    const fields = {
      suggestWhichBrokerId: '0',
      nextBeginOffset: String(Math.max(from, to)),
      minOffset: String(min),
      maxOffset: String(max),
    };
    if (from >= max) return { code: ResponseCode.PULL_NOT_FOUND, fields };
    const { topic = '', queueId = '0' } = frame.fields;
    const queue = { topic, queueId: Number(queueId) };
    const records = Array.from({ length: to - from }, (_, i) => messageRecord(queue, from + i));
    return { fields, body: Buffer.concat(records) };
  }

  #unpark(parked: Parked, reply: Reply): void {
    this.#forget(parked);
    parked.socket.answer(parked.frame, reply);
  }

  #forget(parked: Parked): void {
    this.#clock.clearTimeout(parked.timer);
    this.#parked.delete(parked);
  }
}

export function addressOf(brokerName: string): Address {
  return `${brokerName}:${port}`;
}

export function slaveOf(brokerName: string): Address {
  return `${brokerName}-slave:${port}`;
}

function isSlave(address: Address): boolean {
  return address.endsWith(`-slave:${port}`);
}

/** Every message has a place in the log and an id of its own: `id-7`, and in other queues than 0 `id-7-of-1`. */
function messageRecord(queue: { readonly topic: string; readonly queueId: number }, offset: number): Buffer {
  const { queueId } = queue;
  const id = queueId === 0 ? `id-${offset}` : `id-${offset}-of-${queueId}`;
  const commitLogOffset = queueId * 1_000_000_000 + offset * 1000;
  return recordOf(offset, { ...queue, commitLogOffset, properties: [['UNIQ_KEY', id]] });
}

function keyOf({ address, fields }: Asked): string {
  const { topic = '', queueId = '0', bname = address.replace(/:\d+$/, '') } = fields;
  return queueKey({ topic, brokerName: bname, queueId: Number(queueId) });
}

function never(signal: AbortSignal): Promise<Socket> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('given up')), { once: true });
  });
}
