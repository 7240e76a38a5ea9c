// SPDX-License-Identifier: Apache-2.0
/** How is a message given to a broker, and where did it go? For the producer, and for retries that fall back to a send. */
import type { QueueOffset } from '../model/queue-offset.ts';
import type { Address } from '../model/route.ts';
import { type HeaderOf, readReply, replyKind } from '../protocol/define-request.ts';
import { sendBatch } from '../protocol/requests/send-batch.ts';
import type { sendMessage } from '../protocol/requests/send-message.ts';
import { sendMessageV2, toShortHeader } from '../protocol/requests/send-message-v2.ts';
import { errorOfResponse } from '../protocol/response-error.ts';
import { ask, type CallOptions } from './request.ts';
import type { Switchboard } from './switchboard.ts';

/** One message, or a client batch, for one queue. Source: SendMessageRequestHeader, protocol.md section 2.4. */
export interface SendRequest {
  readonly producerGroup: string;
  readonly topic: string;
  readonly brokerName: string;
  readonly queueId: number;
  readonly body: Buffer;
  /** Wire text of the properties (protocol/properties.ts). Default none. */
  readonly properties?: string;
  /** protocol.md section 4.1. Default 0. */
  readonly sysFlag?: number;
  /** The user's own number. Default 0. */
  readonly flag?: number;
  /** Unit: ms since 1970. */
  readonly bornTimestamp: number;
  /** For sends to a retry topic. */
  readonly reconsumeTimes?: number;
  readonly maxReconsumeTimes?: number;
}

export interface SendReceipt {
  /** All mean stored; those after the first with a weaker guarantee than the broker is set to give. */
  readonly status: 'stored' | 'notFlushed' | 'noSlave' | 'notReplicated';
  /** Offset message id as the broker gave it; of a batch a list with commas. */
  readonly offsetMsgId: string;
  readonly queueId: number;
  readonly queueOffset: QueueOffset;
}

/** The topic whose settings a topic made by its first send takes. */
const templateTopic = 'TBW102';
const templateQueues = 4;

export class MessageCalls {
  readonly #switchboard: Switchboard;

  constructor(switchboard: Switchboard) {
    this.#switchboard = switchboard;
  }

  /**
   * Stores one message (310).
   * @throws BrokerError of the answer's code; ConnectionError when there is none
   */
  sendMessage(address: Address, message: SendRequest, options: CallOptions): Promise<SendReceipt> {
    return this.#send(address, sendMessageV2, message, false, options);
  }

  /** Stores the messages of a client batch (320), body as protocol/client-batch.ts makes it. Not for retry topics. */
  sendBatch(address: Address, batch: SendRequest, options: CallOptions): Promise<SendReceipt> {
    return this.#send(address, sendBatch, batch, true, options);
  }

  async #send(
    address: Address,
    request: typeof sendMessageV2 | typeof sendBatch,
    message: SendRequest,
    batch: boolean,
    options: CallOptions,
  ): Promise<SendReceipt> {
    const what = `send to ${message.topic}-${message.queueId}@${message.brokerName}`;
    const header = toShortHeader(sendHeader(message, batch));
    const line = this.#switchboard.line(address);
    const frame = await ask(line, request, header, { ...options, what, body: message.body });
    const status = replyKind(request, frame);
    if (status === undefined) throw errorOfResponse(what, frame, address);
    const { msgId, queueId, queueOffset } = readReply(request, frame);
    return { status, offsetMsgId: msgId, queueId, queueOffset };
  }
}

function sendHeader(message: SendRequest, batch: boolean): HeaderOf<typeof sendMessage> {
  return {
    producerGroup: message.producerGroup,
    topic: message.topic,
    defaultTopic: templateTopic,
    defaultTopicQueueNums: templateQueues,
    queueId: message.queueId,
    sysFlag: message.sysFlag ?? 0,
    bornTimestamp: message.bornTimestamp,
    flag: message.flag ?? 0,
    properties: message.properties,
    reconsumeTimes: message.reconsumeTimes ?? 0,
    unitMode: false,
    maxReconsumeTimes: message.maxReconsumeTimes,
    batch,
    bname: message.brokerName,
  };
}
