// SPDX-License-Identifier: Apache-2.0
/** Which names does a broker take, and which topics are its own? Source: TopicValidator of 5.5.0. */
import { isRetryTopic } from '../../../model/names.ts';

/** A topic a first send makes takes its shape from this one. */
export const templateTopic = 'TBW102';
/** Where delayed messages wait: one queue for each level. */
export const scheduleTopic = 'SCHEDULE_TOPIC_XXXX';

const dlqTopicPrefix = '%DLQ%';
const longestTopic = 127;
const longestGroup = 120;
const longestGroupTopic = 255;

const legalName = /^[%|a-zA-Z0-9_-]+$/;

const ownTopics: ReadonlySet<string> = new Set([
  scheduleTopic,
  'RMQ_SYS_TRANS_HALF_TOPIC',
  'RMQ_SYS_TRANS_OP_HALF_TOPIC',
  'RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC',
  'RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC',
  'TRANS_CHECK_MAX_TIME_TOPIC',
  'SELF_TEST_TOPIC',
  'OFFSET_MOVED_EVENT',
]);

const otherSystemTopics: ReadonlySet<string> = new Set([
  templateTopic,
  'BenchmarkTest',
  'RMQ_SYS_TRACE_TOPIC',
  'CHECKPOINT_TOPIC',
]);

/** Where messages of a group end that have failed too often. */
export function dlqTopicOf(group: string): string {
  return dlqTopicPrefix + group;
}

/** A topic the broker made for itself, not its users. */
export function isSystemTopic(topic: string): boolean {
  return ownTopics.has(topic) || otherSystemTopics.has(topic) || topic.startsWith('rmq_sys_');
}

/** A topic only the broker itself writes to. */
export function isClosedToSends(topic: string): boolean {
  return ownTopics.has(topic);
}

/** Why a broker refuses this topic, in its own words; undefined when it takes it. */
export function topicRefusal(topic: string): string | undefined {
  if (topic.trim() === '') return 'The specified topic is blank.';
  if (!legalName.test(topic))
    return `The specified topic: ${topic}, contains illegal characters, allowing only ^[%|a-zA-Z0-9_-]+$`;
  if (isRetryTopic(topic) || topic.startsWith(dlqTopicPrefix)) {
    return topic.length <= longestGroupTopic
      ? undefined
      : `The specified topic is DLQ or Retry topic: ${topic}, and it's longer than topic max length: ${longestGroupTopic}`;
  }
  return topic.length <= longestTopic
    ? undefined
    : `The specified topic: ${topic}, is longer than topic max length: ${longestTopic}`;
}

/** Would a broker make a subscription group of this name? */
export function isLegalGroup(group: string): boolean {
  return group.length <= longestGroup && legalName.test(group);
}
