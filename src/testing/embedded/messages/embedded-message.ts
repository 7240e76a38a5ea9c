// SPDX-License-Identifier: Apache-2.0
/** How does a test see a stored message, and how does it store one without a producer? */
import { RocketmqError } from '../../../errors/errors.ts';
import { propertyNames } from '../../../protocol/properties.ts';
import type { StoredMessage } from '../../../protocol/stored-message.ts';
import type { EmbeddedMessage, NewMessage } from '../cluster.types.ts';
import { topicRefusal } from './topic-rules.ts';

/** A copy, under the topic it is stored in: `%RETRY%group` for a retried one. */
export function embeddedMessage(message: StoredMessage): EmbeddedMessage {
  const { storedTopic, queueId, queueOffset, msgId, reconsumeTimes, properties } = message;
  return {
    topic: storedTopic,
    queueId,
    queueOffset,
    msgId,
    body: message.detach(),
    reconsumeTimes,
    properties,
  };
}

/** What a producer would have made of a message: body and properties. */
export interface Produced {
  readonly body: Buffer;
  readonly properties: ReadonlyMap<string, string>;
}

/** @throws RocketmqError `RMQ_MESSAGE_INVALID` for a topic no broker takes, or an empty body */
export function produce(message: NewMessage): Produced {
  const { topic, tags, keys, delayTimeLevel } = message;
  const problem = topicRefusal(topic);
  if (problem !== undefined) throw invalid(topic, problem);
  const body = Buffer.from(message.body);
  if (body.length === 0) throw invalid(topic, 'its body is empty');
  const properties = new Map(Object.entries(message.properties ?? {}));
  const own = {
    [propertyNames.wait]: 'true',
    [propertyNames.tags]: tags,
    [propertyNames.keys]: typeof keys === 'string' ? keys : keys?.join(' '),
    [propertyNames.delay]: delayTimeLevel === undefined ? undefined : String(delayTimeLevel),
  };
  for (const [name, value] of Object.entries(own)) {
    if (value !== undefined && value !== '') properties.set(name, value);
  }
  return { body, properties };
}

/** The message cannot be sent: what is wrong with it. */
export function invalid(topic: string, problem: string): RocketmqError {
  return new RocketmqError('RMQ_MESSAGE_INVALID', `message for ${topic}: ${problem}`, {
    context: { topic, problem },
  });
}
