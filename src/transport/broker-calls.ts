// SPDX-License-Identifier: Apache-2.0
/** What can a consumer ask a broker, and what does the answer mean? One typed promise each, over the line to its address. */
import { SubscriptionError } from '../errors/errors.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import type { Address } from '../model/route.ts';
import { type ClientConfig, encodeClientConfig } from '../protocol/bodies/check-client-config.ts';
import { type ConsumerConnection, parseConsumerConnection } from '../protocol/bodies/consumer-connection.ts';
import { parseConsumerList } from '../protocol/bodies/consumer-list.ts';
import { encodeHeartbeat, type HeartbeatData } from '../protocol/bodies/heartbeat.ts';
import { ResponseCode } from '../protocol/codes.ts';
import { type HeaderOf, type Request, readReply } from '../protocol/define-request.ts';
import type { Frame } from '../protocol/frame.ts';
import { checkClientConfig } from '../protocol/requests/check-client-config.ts';
import { consumerConnection } from '../protocol/requests/consumer-connection.ts';
import { consumerListByGroup } from '../protocol/requests/consumer-list-by-group.ts';
import { consumerSendMsgBack } from '../protocol/requests/consumer-send-msg-back.ts';
import { heartbeat } from '../protocol/requests/heartbeat.ts';
import { maxOffset } from '../protocol/requests/max-offset.ts';
import { minOffset } from '../protocol/requests/min-offset.ts';
import { queryConsumerOffset } from '../protocol/requests/query-consumer-offset.ts';
import { searchOffset } from '../protocol/requests/search-offset.ts';
import { topicStats } from '../protocol/requests/topic-stats.ts';
import { unregisterClient } from '../protocol/requests/unregister-client.ts';
import { updateConsumerOffset } from '../protocol/requests/update-consumer-offset.ts';
import { errorOfResponse } from '../protocol/response-error.ts';
import type { Caller } from './call.ts';
import { type LockRequest, lockQueues, type OnGranted, unlockQueues } from './lock-calls.ts';
import { ask, type CallOptions, type RequestOptions, tell } from './request.ts';
import type { Switchboard } from './switchboard.ts';

/** A queue as one group consumes it. */
export interface GroupQueue {
  readonly consumerGroup: string;
  readonly queue: MessageQueue;
}

export interface GroupOffset extends GroupQueue {
  /** The next offset to be read. */
  readonly offset: QueueOffset;
}

export interface Membership {
  readonly clientId: string;
  readonly consumerGroup?: string;
  readonly producerGroup?: string;
}

/** A failed message to be tried again later. Source: ConsumerSendMsgBackRequestHeader, protocol.md section 7.3. */
export interface SendBackRequest {
  readonly consumerGroup: string;
  readonly brokerName: string;
  /** Position of the message in its broker's commit log. Unit: bytes. */
  readonly commitLogOffset: number;
  /** -1: dead letter. 0: level 3 + attempts so far. Above: that level. */
  readonly delayLevel: number;
  readonly originMsgId: string;
  readonly originTopic: string;
  readonly maxReconsumeTimes: number;
}

/**
 * Every call rejects with a BrokerError of the answer's code, a ProtocolError for an answer that cannot be read,
 * a ConnectionError when there is none within `timeoutMs`, or RMQ_ABORTED through `signal`; each names the thing it was about.
 */
export class BrokerCalls {
  readonly #switchboard: Switchboard;

  constructor(switchboard: Switchboard) {
    this.#switchboard = switchboard;
  }

  /** Tells the broker that this client is there (34). */
  heartbeat(address: Address, data: HeartbeatData, options: CallOptions): Promise<void> {
    return beat(this.#switchboard.line(address), data, options);
  }

  /**
   * Would this broker take the selector (46)?
   * @throws SubscriptionError `RMQ_SELECTOR_REFUSED` with the broker's complaint
   */
  checkSelector(address: Address, config: ClientConfig, options: CallOptions): Promise<void> {
    return checkSelector(this.#switchboard.line(address), config, options);
  }

  /** Leaves a group (35). */
  async unregister(address: Address, member: Membership, options: CallOptions): Promise<void> {
    const { clientId, consumerGroup, producerGroup } = member;
    const what = `unregistering ${consumerGroup ?? producerGroup ?? clientId} at ${address}`;
    await this.#ask(
      address,
      unregisterClient,
      { clientID: clientId, consumerGroup, producerGroup },
      { ...options, what },
    );
  }

  /** Client ids of a group's members, as the broker lists them: unsorted (38). Empty when it knows nobody. */
  async consumerIds(
    address: Address,
    consumerGroup: string,
    options: CallOptions,
  ): Promise<readonly string[]> {
    const what = `members of ${consumerGroup} at ${address}`;
    const frame = await ask(
      this.#line(address),
      consumerListByGroup,
      { consumerGroup },
      { ...options, what },
    );
    if (frame.code === ResponseCode.SUCCESS) return parseConsumerList(frame.body);
    if (isNobody(frame)) return [];
    throw errorOfResponse(what, frame, address);
  }

  /** Has this broker the topic (202)? Undefined when it answers without telling: it may want the right GET on the topic. */
  async hasTopic(address: Address, topic: string, options: CallOptions): Promise<boolean | undefined> {
    const what = `whether ${address} has topic ${topic}`;
    const { code } = await ask(this.#line(address), topicStats, { topic }, { ...options, what });
    if (code === ResponseCode.SUCCESS) return true;
    return code === ResponseCode.TOPIC_NOT_EXIST ? false : undefined;
  }

  /** Members and subscriptions of a group, as the broker keeps them (203); undefined when it knows nobody. */
  async groupConnection(
    address: Address,
    consumerGroup: string,
    options: CallOptions,
  ): Promise<ConsumerConnection | undefined> {
    const what = `connections of ${consumerGroup} at ${address}`;
    const frame = await ask(this.#line(address), consumerConnection, { consumerGroup }, { ...options, what });
    if (frame.code === ResponseCode.SUCCESS) return parseConsumerConnection(frame.body);
    if (frame.code === ResponseCode.CONSUMER_NOT_ONLINE) return undefined;
    throw errorOfResponse(what, frame, address);
  }

  /** The committed offset (14), or undefined when the broker says there is none (22); never a guess. */
  async queryOffset(
    address: Address,
    { consumerGroup, queue }: GroupQueue,
    options: CallOptions,
  ): Promise<QueueOffset | undefined> {
    const what = `committed offset of ${nameOf(queue)} for ${consumerGroup}`;
    const header = { consumerGroup, ...place(queue), setZeroIfNotFound: false };
    const frame = await ask(this.#line(address), queryConsumerOffset, header, { ...options, what });
    if (frame.code === ResponseCode.QUERY_NOT_FOUND) return undefined;
    if (frame.code !== ResponseCode.SUCCESS) throw errorOfResponse(what, frame, address);
    return readReply(queryConsumerOffset, frame).offset;
  }

  /** Commits and waits until the broker has taken it (15). */
  async updateOffset(address: Address, commit: GroupOffset, options: CallOptions): Promise<void> {
    await this.#ask(address, updateConsumerOffset, commitHeader(commit), {
      ...options,
      what: commitName(commit),
    });
  }

  /** Commits without an answer (15). False: not sent, there is no connection or its send queue is full. */
  updateOffsetOneway(address: Address, commit: GroupOffset): boolean {
    return tell(this.#line(address), updateConsumerOffset, commitHeader(commit), {
      what: commitName(commit),
    });
  }

  /** The first offset still stored (31). */
  async minOffset(address: Address, queue: MessageQueue, options: CallOptions): Promise<QueueOffset> {
    const what = `min offset of ${nameOf(queue)}`;
    const frame = await this.#ask(address, minOffset, place(queue), { ...options, what });
    return readReply(minOffset, frame).offset;
  }

  /** The next offset to be written (30). */
  async maxOffset(address: Address, queue: MessageQueue, options: CallOptions): Promise<QueueOffset> {
    const what = `max offset of ${nameOf(queue)}`;
    const frame = await this.#ask(address, maxOffset, place(queue), { ...options, what });
    return readReply(maxOffset, frame).offset;
  }

  /**
   * The first offset stored at or after a time (29).
   * @param timestamp ms since 1970. Past the end 5.x answers max, 4.9 max - 1
   */
  async searchOffset(
    address: Address,
    queue: MessageQueue,
    timestamp: number,
    options: CallOptions,
  ): Promise<QueueOffset> {
    const what = `offset of ${nameOf(queue)} at ${timestamp}`;
    const frame = await this.#ask(
      address,
      searchOffset,
      { ...place(queue), timestamp },
      { ...options, what },
    );
    return readReply(searchOffset, frame).offset;
  }

  /** Hands a failed message back (36). The address must be one of the broker that stores it. */
  async sendBack(address: Address, message: SendBackRequest, options: CallOptions): Promise<void> {
    const { consumerGroup: group, commitLogOffset: offset, brokerName: bname, ...rest } = message;
    const what = `send-back of ${message.originMsgId} to ${bname}`;
    await this.#ask(
      address,
      consumerSendMsgBack,
      { ...rest, group, offset, bname, unitMode: false },
      { ...options, what },
    );
  }

  /** Locks queues for one member (41), over a connection that is there. Answers those that were granted or are held already. */
  lock(
    address: Address,
    request: LockRequest,
    options: CallOptions & { readonly onGranted?: OnGranted },
  ): Promise<readonly MessageQueue[]> {
    return lockQueues(this.#line(address), request, options);
  }

  /** Gives locks back and waits for the answer (42). */
  unlock(address: Address, request: LockRequest, options: CallOptions): Promise<void> {
    return unlockQueues(this.#line(address), request, options);
  }

  #line(address: Address): Caller {
    return this.#switchboard.line(address);
  }

  /** The success answer. */
  async #ask<R extends Request>(
    address: Address,
    request: R,
    header: HeaderOf<R>,
    options: RequestOptions,
  ): Promise<Frame> {
    const frame = await ask(this.#line(address), request, header, options);
    if (frame.code !== ResponseCode.SUCCESS) throw errorOfResponse(options.what, frame, address);
    return frame;
  }
}

/**
 * A heartbeat over any caller: the greeting of a new connection, where nothing else may come first.
 * @example
 * greet: (caller, signal) => beat(caller, heartbeatData(), { timeoutMs: 3000, signal })
 */
export async function beat(caller: Caller, data: HeartbeatData, options: CallOptions): Promise<void> {
  const what = `heartbeat to ${caller.address}`;
  const frame = await ask(
    caller,
    heartbeat,
    {},
    { ...options, what, body: encodeHeartbeat(data, caller.namespace) },
  );
  if (frame.code !== ResponseCode.SUCCESS) throw errorOfResponse(what, frame, caller.address);
}

/**
 * The same question over any caller: a greeting asks it before the heartbeat, which would replace the group's selector.
 * Source: ClientManageProcessor.checkClientConfig.
 */
export async function checkSelector(
  caller: Caller,
  config: ClientConfig,
  options: CallOptions,
): Promise<void> {
  const { topic, subString: expression, expressionType } = config.subscriptionData;
  const what = `check of the ${expressionType} selector of ${topic} by ${caller.address}`;
  const body = encodeClientConfig(config, caller.namespace);
  const frame = await ask(caller, checkClientConfig, {}, { ...options, what, body });
  if (frame.code === ResponseCode.SUCCESS) return;
  const isSwitchedOff = frame.remark?.includes(filterUnsupported) === true;
  if (!isSwitchedOff && frame.code !== ResponseCode.SUBSCRIPTION_PARSE_FAILED)
    throw errorOfResponse(what, frame, caller.address);
  const complaint = isSwitchedOff
    ? `${frame.remark} (set enablePropertyFilter=true in its broker.conf)`
    : (frame.remark ?? 'it cannot be parsed');
  throw new SubscriptionError(
    'RMQ_SELECTOR_REFUSED',
    `the selector sql(${JSON.stringify(expression)}) of ${topic} was refused by ${caller.address}: ${complaint}`,
    {
      context: { topic, expression, address: caller.address, responseCode: frame.code, remark: frame.remark },
    },
  );
}

/** With code 1, which stands for every exception of a broker. */
const filterUnsupported = 'does not support consumer to filter message';

/** Code 1 stands for every exception of a broker; only its text tells "nobody" from a failure. Source: ConsumerManageProcessor. */
function isNobody(frame: Frame): boolean {
  return (
    frame.code === ResponseCode.SYSTEM_ERROR &&
    frame.remark?.startsWith('no consumer for this group') === true
  );
}

/** How queues read in messages: `orders-0@broker-a`. */
function nameOf({ topic, queueId, brokerName }: MessageQueue): string {
  return `${topic}-${queueId}@${brokerName}`;
}

/** Header fields that name a queue. */
function place({ topic, queueId, brokerName }: MessageQueue) {
  return { topic, queueId, bname: brokerName };
}

function commitHeader({ consumerGroup, queue, offset }: GroupOffset): HeaderOf<typeof updateConsumerOffset> {
  return { consumerGroup, ...place(queue), commitOffset: offset };
}

function commitName({ consumerGroup, queue, offset }: GroupOffset): string {
  return `commit of ${nameOf(queue)} at ${offset} for ${consumerGroup}`;
}
