// SPDX-License-Identifier: Apache-2.0
/**
 * How do the names of a namespace look on the wire? Within this client topics and groups have the names the user gives them;
 * they are changed where a frame is written or read, nowhere else. Source: NamespaceUtil, protocol.md section 6.1.
 */
import type { MessageQueue } from './message-queue.ts';
import { retryTopicPrefix } from './names.ts';

/** 1: names carry it, `ns%topic`. 2: names stay, each request says it in fields of its own. */
export interface NamespaceChoice {
  readonly name: string;
  readonly version: 1 | 2;
}

export interface Namespace {
  /** Beside the fields of every request. Source: NamespaceRpcHook. */
  readonly fields: Readonly<Record<string, string>> | undefined;
  /** A topic or group as brokers know it. */
  wire(name: string): string;
  /** A topic or group as the user knows it. */
  own(name: string): string;
}

const deadLetterPrefix = '%DLQ%';

/** Source: TopicValidator.SYSTEM_TOPIC_SET, MixAll.isSysConsumerGroup. */
const systemTopics: ReadonlySet<string> = new Set([
  ...['TBW102', 'SCHEDULE_TOPIC_XXXX', 'BenchmarkTest', 'RMQ_SYS_TRANS_HALF_TOPIC', 'RMQ_SYS_TRACE_TOPIC'],
  ...['RMQ_SYS_TRANS_OP_HALF_TOPIC', 'TRANS_CHECK_MAX_TIME_TOPIC', 'SELF_TEST_TOPIC', 'OFFSET_MOVED_EVENT'],
  'CHECKPOINT_TOPIC',
]);

function isOfSystem(name: string): boolean {
  return systemTopics.has(name) || name.startsWith('rmq_sys_') || name.startsWith('CID_RMQ_SYS_');
}

/** `%RETRY%` or `%DLQ%`, which stands before the namespace. */
function prefixOf(name: string): string {
  return [retryTopicPrefix, deadLetterPrefix].find(prefix => name.startsWith(prefix)) ?? '';
}

/** Undefined: none, and nothing is done. */
export function namespaceOf(choice: NamespaceChoice | undefined): Namespace | undefined {
  if (choice === undefined) return undefined;
  if (choice.version === 2)
    return { fields: { nsd: 'true', ns: choice.name }, wire: name => name, own: name => name };
  const mark = `${choice.name}%`;
  return {
    fields: undefined,
    wire: name => {
      const prefix = prefixOf(name);
      const bare = name.slice(prefix.length);
      return name === '' || isOfSystem(name) || bare.startsWith(mark) ? name : prefix + mark + bare;
    },
    own: name => {
      const prefix = prefixOf(name);
      return name.startsWith(mark, prefix.length) ? prefix + name.slice(prefix.length + mark.length) : name;
    },
  };
}

export function wireQueue(namespace: Namespace | undefined, queue: MessageQueue): MessageQueue {
  return namespace === undefined ? queue : { ...queue, topic: namespace.wire(queue.topic) };
}

export function ownQueue(namespace: Namespace | undefined, queue: MessageQueue): MessageQueue {
  return namespace === undefined ? queue : { ...queue, topic: namespace.own(queue.topic) };
}

const legalName = /^[|a-zA-Z0-9_-]{1,100}$/;

/** Why a namespace is refused, or undefined when it is legal. */
export function namespaceProblem(name: string): string | undefined {
  return legalName.test(name) ? undefined : 'a namespace has 1 to 100 letters, digits, and | _ -';
}
