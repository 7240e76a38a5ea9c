// SPDX-License-Identifier: Apache-2.0
/** Which options must fit each other? Runs over those that could be read by themselves. */
import { groupProblem, retryTopicOf, topicProblem } from '../model/names.ts';
import { namespaceOf } from '../model/namespace.ts';
import { optionTable, suspendMargin } from './options.ts';
import type { ReadOption, ReadOptions } from './read-options.ts';
import type { Report } from './report.ts';
import type { OptionName, ResolvedOptions } from './resolved-config.ts';
import type { ConfigSources } from './sources.ts';

/** Reports what does not fit; answers the options that were changed to fit. */
export function checkOptions(read: ReadOptions, sources: ConfigSources, report: Report): ReadOptions {
  checkListeners(read, report);
  checkListenerKinds(read, report);
  checkRetryTopic(read, report);
  checkNamespace(read, report);
  checkTimestampIsUsed(read, report);
  checkModel(read, report);
  return keepInstanceName(fitSuspend(read, report), sources);
}

type Valued = keyof ResolvedOptions & OptionName;

function valueAt<N extends Valued>(read: ReadOptions, name: N): ResolvedOptions[N] | undefined {
  return read.get(name)?.value as ResolvedOptions[N] | undefined; // the row of this name has read it
}

function checkListeners(read: ReadOptions, report: Report): void {
  if (!read.has('listener') || valueAt(read, 'listener') !== undefined) return;
  for (const { position, topic, listener } of valueAt(read, 'subscriptions') ?? []) {
    if (listener !== undefined) continue;
    report
      .at(`subscriptions[${position}].listener`)
      .problem(
        `nothing handles the messages of ${topic}`,
        `Give the subscription a listener, or one for all: ${optionTable.listener.example}.`,
      );
  }
}

/** Orderly and concurrent in one group would send retries to the dead letters. protocol.md section 7.3. */
function checkListenerKinds(read: ReadOptions, report: Report): void {
  const own = (valueAt(read, 'subscriptions') ?? []).flatMap(({ position, listener }) =>
    listener === undefined ? [] : { at: `subscriptions[${position}].listener`, kind: listener.kind },
  );
  const general = valueAt(read, 'listener');
  const all = general === undefined ? own : [{ at: 'listener', kind: general.kind }, ...own];
  const [first] = all;
  const other = all.find(({ kind }) => kind !== first?.kind);
  if (first !== undefined && other !== undefined) {
    report
      .at(other.at)
      .problem(
        `it is ${other.kind}, ${first.at} is ${first.kind}: a group has listeners of one kind`,
        'Give one of them a consumer with a group of its own.',
      );
  }
  if (isGiven(read.get('orderBy')) && all.length > 0 && all.every(({ kind }) => kind === 'concurrently')) {
    report
      .at('orderBy')
      .warning('it has no effect with concurrent listeners', 'Wrap the listener: orderly(…).');
  }
}

function checkRetryTopic(read: ReadOptions, report: Report): void {
  const group = valueAt(read, 'consumerGroup');
  if (group === undefined) return;
  const own = (valueAt(read, 'subscriptions') ?? []).find(each => each.topic === retryTopicOf(group));
  if (own === undefined) return;
  report
    .at(`subscriptions[${own.position}].topic`)
    .problem(
      `${retryTopicOf(group)} is consumed by itself`,
      'Leave it out: retried messages go to the listener of their own topic.',
    );
}

/** Names are given without the namespace, and must be legal with it. */
function checkNamespace(read: ReadOptions, report: Report): void {
  const choice = valueAt(read, 'namespace');
  const namespace = namespaceOf(choice);
  if (choice === undefined || namespace === undefined) return;
  const check = (at: string, name: string, problemOf: (name: string) => string | undefined): void => {
    const bare = namespace.own(name);
    const problem = problemOf(namespace.wire(name));
    if (bare !== name)
      report
        .at(at)
        .problem(`${name} begins with the namespace, which is added by itself`, `Write '${bare}'.`);
    else if (problem !== undefined) report.at(at).problem(`with the namespace ${choice.name}: ${problem}`);
  };
  const group = valueAt(read, 'consumerGroup');
  if (group !== undefined) check('consumerGroup', group, groupProblem);
  for (const { position, topic } of valueAt(read, 'subscriptions') ?? [])
    check(`subscriptions[${position}].topic`, topic, topicProblem);
}

function checkTimestampIsUsed(read: ReadOptions, report: Report): void {
  const where = valueAt(read, 'consumeFromWhere');
  if (!isGiven(read.get('consumeTimestamp')) || where === undefined || where === 'CONSUME_FROM_TIMESTAMP')
    return;
  report
    .at('consumeTimestamp')
    .warning(`it has no effect with ${where}`, "Add consumeFromWhere: 'CONSUME_FROM_TIMESTAMP'.");
}

/** In broadcasting every member has all queues, and nothing that failed comes back. */
const ofClustering = ['allocateStrategy', 'handover', 'handoverTimeout', 'retryPolicy'] as const;

function checkModel(read: ReadOptions, report: Report): void {
  const model = valueAt(read, 'messageModel');
  if (model === undefined) return;
  const idle = model === 'BROADCASTING' ? ofClustering : (['storePath'] as const);
  for (const name of idle) {
    if (isGiven(read.get(name))) report.at(name).warning(`it has no effect with ${model}`);
  }
}

/** The client id names the file of offsets: it must be the same after a restart. Source: DefaultMQPushConsumerImpl.start. */
function keepInstanceName(read: ReadOptions, sources: ConfigSources): ReadOptions {
  if (valueAt(read, 'messageModel') !== 'BROADCASTING' || isGiven(read.get('instanceName'))) return read;
  const value = sources.hostName.replace(/[\s@\p{Cc}]/gu, '-').slice(0, 255) || 'localhost';
  return new Map(read).set('instanceName', { value, origin: { from: 'adjusted', because: 'messageModel' } });
}

/** A pull must outlive the time the broker may hold it. */
function fitSuspend(read: ReadOptions, report: Report): ReadOptions {
  const timeout = valueAt(read, 'consumerTimeoutMillisWhenSuspend');
  const suspend = valueAt(read, 'brokerSuspendMaxTimeMillis');
  if (timeout === undefined || suspend === undefined || timeout >= suspend + suspendMargin) return read;
  if (!isGiven(read.get('brokerSuspendMaxTimeMillis'))) {
    return new Map(read).set('brokerSuspendMaxTimeMillis', {
      value: timeout - suspendMargin,
      origin: { from: 'adjusted', because: 'consumerTimeoutMillisWhenSuspend' },
    });
  }
  report
    .at('consumerTimeoutMillisWhenSuspend')
    .problem(
      `${timeout} is less than brokerSuspendMaxTimeMillis + ${suspendMargin}, which is ${suspend + suspendMargin}`,
      `Raise it to ${suspend + suspendMargin}, or lower brokerSuspendMaxTimeMillis.`,
    );
  return read;
}

function isGiven(option: ReadOption | undefined): boolean {
  return option !== undefined && option.origin.from !== 'default';
}
