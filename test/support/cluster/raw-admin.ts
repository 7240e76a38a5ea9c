// SPDX-License-Identifier: Apache-2.0
// What name servers and brokers say they hold: topics, offsets, members. The independent witness of tests and evidence;
// it imports nothing from src. Codes and fields: protocol.md §2.

import { setTimeout as delay } from 'node:timers/promises';
import { ClusterError } from './errors.ts';
import { type Json, parseLooseJson } from './loose-json.ts';
import { asArray, asObject, RawConnection, type RawRequest, type RawResponse } from './raw-connection.ts';
import type { RawCredentials } from './raw-signature.ts';

const codes = {
  queryConsumerOffset: 14,
  updateConsumerOffset: 15,
  createTopic: 17,
  updateBrokerConfig: 25,
  maxOffset: 30,
  minOffset: 31,
  consumerList: 38,
  allConsumerOffsets: 43,
  unregisterBroker: 104,
  topicRoute: 105,
  clusterInfo: 106,
  consumerConnection: 203,
  consumeStats: 208,
  deleteTopicInBroker: 215,
  deleteTopicInNameServer: 216,
} as const;

const answers = {
  success: 0,
  systemError: 1,
  topicNotExist: 17,
  queryNotFound: 22,
  consumerNotOnline: 206,
} as const;

/** The version number of 5.0.0; brokers below answer 14 with 0 for what they do not know. */
const firstVersion5 = 413;

export interface RawQueue {
  readonly brokerName: string;
  readonly queueId: number;
}

export interface RawBroker {
  readonly brokerName: string;
  /** broker id (0: master) → address */
  readonly addresses: ReadonlyMap<number, string>;
}

export interface RawRoute {
  readonly brokers: readonly RawBroker[];
  readonly queues: readonly {
    readonly brokerName: string;
    readonly readQueues: number;
    readonly writeQueues: number;
    readonly perm: number;
  }[];
}

export interface RawQueueOffsets extends RawQueue {
  readonly min: number;
  readonly max: number;
  /** What the group has committed; undefined: nothing. */
  readonly committed: number | undefined;
}

export interface RawMember {
  readonly clientId: string;
  readonly clientAddr: string;
  readonly language: string;
  readonly version: number;
}

export interface RawConsumerConnection {
  readonly members: readonly RawMember[];
  readonly consumeType: string;
  readonly messageModel: string;
  readonly consumeFromWhere: string;
  /** topic → expression */
  readonly subscriptions: Readonly<Record<string, string>>;
}

export class RawAdmin {
  readonly #nameServers: readonly string[];
  readonly #connections = new Map<string, Promise<RawConnection>>();
  readonly #timeoutMs: number;
  readonly #credentials: RawCredentials | undefined;

  /**
   * @param namesrvAddr `'a:9876;b:9876'`
   * @param credentials for brokers that check who asks
   */
  constructor(namesrvAddr: string, timeoutMs = 5000, credentials?: RawCredentials) {
    this.#nameServers = namesrvAddr.split(';').filter(address => address !== '');
    this.#timeoutMs = timeoutMs;
    this.#credentials = credentials;
  }

  /** Any request to any address, the answer as it comes. The connection to an address is kept. */
  async request(address: string, request: RawRequest): Promise<RawResponse> {
    const connection = await this.#connection(address);
    return connection.request(request, this.#timeoutMs);
  }

  /** The same, of a broker's master; any answer but success is an error. */
  must(brokerName: string, request: RawRequest): Promise<RawResponse> {
    return this.#askMaster(brokerName, request);
  }

  close(): void {
    for (const opening of this.#connections.values()) {
      opening.then(
        connection => connection.close(),
        () => undefined,
      );
    }
    this.#connections.clear();
  }

  // --- the name server ---------------------------------------------------------------------------------------------

  /** Every broker that is registered, as one name server sees it; any that answers, when none is named. */
  async clusterBrokers(nameServer?: string): Promise<RawBroker[]> {
    const { body } = await this.#askNameServer({ code: codes.clusterInfo }, nameServer);
    const table = asObject(parse(body)['brokerAddrTable']);
    return Object.values(table).map(brokerOf);
  }

  /** undefined: the topic is not known. */
  async topicRoute(topic: string, nameServer?: string): Promise<RawRoute | undefined> {
    const response = await this.#askNameServer({ code: codes.topicRoute, fields: { topic } }, nameServer, [
      answers.topicNotExist,
    ]);
    if (response.code === answers.topicNotExist) {
      return undefined;
    }
    const route = parse(response.body);
    return {
      brokers: asArray(route['brokerDatas']).map(brokerOf),
      queues: asArray(route['queueDatas']).map(json => {
        const data = asObject(json);
        return {
          brokerName: String(data['brokerName']),
          readQueues: Number(data['readQueueNums']),
          writeQueues: Number(data['writeQueueNums']),
          perm: Number(data['perm']),
        };
      }),
    };
  }

  /** Every readable queue of the topic, by broker name and queue id. */
  async queues(topic: string): Promise<RawQueue[]> {
    const route = await this.topicRoute(topic);
    return (route?.queues ?? [])
      .toSorted((a, b) => (a.brokerName < b.brokerName ? -1 : 1))
      .flatMap(({ brokerName, readQueues }) =>
        Array.from({ length: readQueues }, (_, queueId) => ({ brokerName, queueId })),
      );
  }

  // --- topics ------------------------------------------------------------------------------------------------------

  /** Creates or changes the topic on one broker. */
  async createTopic(brokerName: string, topic: string, queues: number, attributes?: string): Promise<void> {
    const fields = {
      ...(attributes === undefined ? {} : { attributes }),
      topic,
      defaultTopic: 'TBW102',
      readQueueNums: queues,
      writeQueueNums: queues,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    };
    await this.#askMaster(brokerName, { code: codes.createTopic, fields });
  }

  /** On every broker and name server. */
  async deleteTopic(topic: string): Promise<void> {
    for (const { brokerName } of await this.clusterBrokers()) {
      await this.#askMaster(brokerName, { code: codes.deleteTopicInBroker, fields: { topic } });
    }
    for (const nameServer of this.#nameServers) {
      await this.#askNameServer({ code: codes.deleteTopicInNameServer, fields: { topic } }, nameServer);
    }
  }

  // --- offsets -----------------------------------------------------------------------------------------------------

  /** The offset the next message will get. */
  maxOffset(topic: string, queue: RawQueue): Promise<number> {
    return this.#offset(codes.maxOffset, topic, queue);
  }

  /** The first offset that still exists. */
  minOffset(topic: string, queue: RawQueue): Promise<number> {
    return this.#offset(codes.minOffset, topic, queue);
  }

  /** What the group has committed; undefined: nothing. */
  async consumerOffset(consumerGroup: string, topic: string, queue: RawQueue): Promise<number | undefined> {
    const fields = { consumerGroup, topic, queueId: queue.queueId, setZeroIfNotFound: false };
    const response = await this.#askMaster(queue.brokerName, { code: codes.queryConsumerOffset, fields }, [
      answers.queryNotFound,
    ]);
    if (response.code === answers.queryNotFound) {
      return undefined;
    }
    const offset = Number(response.fields['offset']);
    // 4.9 knows no setZeroIfNotFound: its 0 may stand for nothing, so look into its table.
    return offset === 0 && response.version < firstVersion5
      ? this.#offsetInTable(consumerGroup, topic, queue)
      : offset;
  }

  async commitOffset(
    consumerGroup: string,
    topic: string,
    queue: RawQueue,
    commitOffset: number,
  ): Promise<void> {
    const fields = { consumerGroup, topic, queueId: queue.queueId, commitOffset };
    await this.#askMaster(queue.brokerName, { code: codes.updateConsumerOffset, fields });
  }

  /** Min, committed and max of every queue of the topic. */
  async queueOffsets(topic: string, consumerGroup?: string): Promise<RawQueueOffsets[]> {
    const queues = await this.queues(topic);
    return Promise.all(
      queues.map(async queue => ({
        ...queue,
        min: await this.minOffset(topic, queue),
        max: await this.maxOffset(topic, queue),
        committed:
          consumerGroup === undefined ? undefined : await this.consumerOffset(consumerGroup, topic, queue),
      })),
    );
  }

  /** How many messages the topic holds. */
  async messageCount(topic: string): Promise<number> {
    return sum((await this.queueOffsets(topic)).map(({ min, max }) => max - min));
  }

  /** How many messages the group has not committed yet; a queue without a commit counts whole. */
  async lag(topic: string, consumerGroup: string): Promise<number> {
    const offsets = await this.queueOffsets(topic, consumerGroup);
    return sum(offsets.map(({ min, max, committed }) => max - (committed ?? min)));
  }

  /** Resolves when the group has committed everything. */
  async untilConsumed(topic: string, consumerGroup: string, timeoutMs = 30_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    let left = await this.lag(topic, consumerGroup);
    while (left > 0) {
      if (Date.now() > deadline) {
        throw new ClusterError(
          'TIMED_OUT',
          `${consumerGroup} lags ${left} behind in ${topic} after ${timeoutMs} ms`,
        );
      }
      await delay(100);
      left = await this.lag(topic, consumerGroup);
    }
  }

  // --- members -----------------------------------------------------------------------------------------------------

  /** The client ids that one broker knows in the group (every broker has its own list). */
  async consumerList(consumerGroup: string, brokerName: string): Promise<string[]> {
    const response = await this.#askMaster(
      brokerName,
      { code: codes.consumerList, fields: { consumerGroup } },
      [
        answers.systemError, // nobody is registered
      ],
    );
    return response.code === answers.success
      ? asArray(parse(response.body)['consumerIdList']).map(String).sort()
      : [];
  }

  /** Who is connected to one broker in the group, and with which subscriptions; undefined: nobody. */
  async consumerConnection(
    consumerGroup: string,
    brokerName: string,
  ): Promise<RawConsumerConnection | undefined> {
    const request = { code: codes.consumerConnection, fields: { consumerGroup } };
    const response = await this.#askMaster(brokerName, request, [answers.consumerNotOnline]);
    if (response.code === answers.consumerNotOnline) {
      return undefined;
    }
    const body = parse(response.body);
    const subscriptions = Object.entries(asObject(body['subscriptionTable'])).map(([topic, data]) => [
      topic,
      String(asObject(data)['subString']),
    ]);
    return {
      members: asArray(body['connectionSet']).map(memberOf),
      consumeType: String(body['consumeType']),
      messageModel: String(body['messageModel']),
      consumeFromWhere: String(body['consumeFromWhere']),
      subscriptions: Object.fromEntries(subscriptions),
    };
  }

  /** The broker's own account of the group in one topic (code 208): a queue without a commit shows 0. */
  async consumeStats(
    consumerGroup: string,
    topic: string,
    brokerName: string,
  ): Promise<{ readonly queueId: number; readonly brokerOffset: number; readonly consumerOffset: number }[]> {
    const request = { code: codes.consumeStats, fields: { consumerGroup, topic } };
    const { body } = await this.#askMaster(brokerName, request);
    return Object.entries(asObject(parse(body)['offsetTable']))
      .map(([key, json]) => {
        const stats = asObject(json);
        return {
          queueId: Number(asObject(parseLooseJson(key))['queueId']),
          brokerOffset: Number(stats['brokerOffset']),
          consumerOffset: Number(stats['consumerOffset']),
        };
      })
      .sort((a, b) => a.queueId - b.queueId);
  }

  // --- brokers -----------------------------------------------------------------------------------------------------

  /** Makes a broker register at every name server now instead of at its next round, up to 30 s later. */
  async registerNow(brokerAddress: string): Promise<void> {
    const body = Buffer.from('brokerPermission=6\n'); // a change of this property, even to the same, registers
    await this.#ask(brokerAddress, { code: codes.updateBrokerConfig, body });
  }

  /** One name server forgets a broker until that registers again, within 30 s: as a name server that was started anew. */
  async unregisterBroker(nameServer: string, { brokerName, addresses }: RawBroker): Promise<void> {
    for (const [brokerId, brokerAddr] of addresses) {
      const fields = { brokerName, brokerAddr, clusterName: 'DefaultCluster', brokerId };
      await this.#askNameServer({ code: codes.unregisterBroker, fields }, nameServer);
    }
  }

  // --- how ---------------------------------------------------------------------------------------------------------

  async #offset(code: number, topic: string, { brokerName, queueId }: RawQueue): Promise<number> {
    const { fields } = await this.#askMaster(brokerName, { code, fields: { topic, queueId } });
    return Number(fields['offset']);
  }

  async #offsetInTable(
    consumerGroup: string,
    topic: string,
    { brokerName, queueId }: RawQueue,
  ): Promise<number | undefined> {
    const { body } = await this.#askMaster(brokerName, { code: codes.allConsumerOffsets });
    const ofGroup = asObject(parse(body)['offsetTable'])[`${topic}@${consumerGroup}`];
    const offset = ofGroup === undefined ? undefined : asObject(ofGroup)[String(queueId)];
    return offset === undefined ? undefined : Number(offset);
  }

  async #askMaster(
    brokerName: string,
    request: RawRequest,
    allowed: readonly number[] = [],
  ): Promise<RawResponse> {
    const broker = (await this.clusterBrokers()).find(each => each.brokerName === brokerName);
    const address = broker?.addresses.get(0);
    if (address === undefined) {
      throw new ClusterError('NOT_RUNNING', `no master of ${brokerName} is registered`);
    }
    return this.#ask(address, request, allowed);
  }

  async #askNameServer(
    request: RawRequest,
    only: string | undefined,
    allowed: readonly number[] = [],
  ): Promise<RawResponse> {
    const failures: unknown[] = [];
    for (const address of only === undefined ? this.#nameServers : [only]) {
      try {
        return await this.#ask(address, request, allowed);
      } catch (error) {
        failures.push(error);
      }
    }
    throw new AggregateError(failures, `no name server answered request ${request.code}`);
  }

  async #ask(address: string, request: RawRequest, allowed: readonly number[] = []): Promise<RawResponse> {
    const response = await this.request(address, request);
    if (response.code !== answers.success && !allowed.includes(response.code)) {
      throw new ClusterError(
        'REQUEST_REFUSED',
        `${address} answered request ${request.code} with ${response.code}: ${response.remark}`,
      );
    }
    return response;
  }

  async #connection(address: string): Promise<RawConnection> {
    const known = this.#connections.get(address);
    if (known !== undefined) {
      const connection = await known.catch(() => undefined);
      if (connection?.isOpen === true) {
        return connection;
      }
      if (this.#connections.get(address) !== known) {
        return this.#connection(address); // another caller opens it already
      }
    }
    const opening = RawConnection.open(address, this.#timeoutMs, this.#credentials);
    this.#connections.set(address, opening);
    return opening;
  }
}

function parse(body: Buffer): { readonly [key: string]: Json } {
  return asObject(parseLooseJson(body.toString()));
}

function brokerOf(json: Json): RawBroker {
  const data = asObject(json);
  const addresses = Object.entries(asObject(data['brokerAddrs']));
  return {
    brokerName: String(data['brokerName']),
    addresses: new Map(addresses.map(([id, address]) => [Number(id), String(address)])),
  };
}

function memberOf(json: Json): RawMember {
  const data = asObject(json);
  return {
    clientId: String(data['clientId']),
    clientAddr: String(data['clientAddr']),
    language: String(data['language'] ?? ''),
    version: Number(data['version']),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
