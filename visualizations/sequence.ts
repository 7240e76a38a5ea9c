// SPDX-License-Identifier: Apache-2.0
/** How is a recorded trace drawn so that it can be read? As a Mermaid sequence diagram: who asked whom what, and what came of it. */
import { RequestCode, ResponseCode } from '../src/protocol/codes.ts';
import type { FrameEntry, MarkEntry, TraceEntry } from '../test/support/trace-entries.ts';

/** One member of a group, and what was written down at its ports. Times count from the same moment for all. */
export interface Recording {
  readonly member: string;
  readonly entries: readonly TraceEntry[];
  /** Only what happened then is drawn; what came before still tells names, and which question an answer belongs to. Unit: ms, as `at`. */
  readonly from?: number;
  readonly to?: number;
  /** Of what concerns one queue only that of these is drawn, as `topic/id`. Default: all. */
  readonly queues?: ReadonlySet<string>;
}

/** A line of the diagram before it is written. */
interface Step {
  readonly at: number;
  readonly from: string;
  readonly to: string;
  readonly arrow: '->>' | '-->>' | '-)' | 'note';
  /** What it is about; steps that follow each other and differ only in their queue are drawn as one. */
  readonly what: string;
  readonly queue: string | undefined;
}

/** What the consumer told besides is seen from its requests. */
const drawnMarks: ReadonlySet<MarkEntry['mark']> = new Set([
  'stopped',
  'hardStop',
  'killed',
  'moved',
  'slept',
]);

/** Draws recordings of one moment, merged by time. */
export function sequenceDiagram(
  recordings: readonly Recording[],
  { title }: { readonly title: string },
): string {
  const steps = recordings.flatMap(stepsOf).sort((a, b) => a.at - b.at);
  const drawn = joined(steps);
  const members = recordings.map(({ member }) => member);
  const others = new Set(drawn.flatMap(({ from, to }) => [from, to]).filter(name => !members.includes(name)));
  const first = drawn[0]?.at ?? 0;
  return `${[
    '---',
    `title: ${title}`,
    '---',
    'sequenceDiagram',
    ...[...members, ...[...others].sort()].map(name => `  participant ${name}`),
    ...drawn.map(step => `  ${lineOf(step, first)}`),
  ].join('\n')}\n`;
}

function lineOf({ at, from, to, arrow, what, queue }: Step, first: number): string {
  const text = `${Math.round(at - first)} ms: ${what}${queue === undefined ? '' : ` ${queue}`}`.replace(
    /[;#]/g,
    '',
  );
  return arrow === 'note' ? `Note over ${from}: ${text}` : `${from}${arrow}${to}: ${text}`;
}

function stepsOf({ member, entries, from = 0, to = Number.POSITIVE_INFINITY, queues }: Recording): Step[] {
  const names = namesOf(entries);
  const asked = new Map<string, FrameEntry>();
  const steps: Step[] = [];
  for (const entry of entries) {
    if (entry.kind === 'begin' || entry.kind === 'end') steps.push(...listenerStep(member, entry, entries));
    else if (entry.kind === 'mark' && drawnMarks.has(entry.mark))
      steps.push(note(entry.at, member, entry.mark));
    else if (entry.kind === 'request' || entry.kind === 'oneway' || entry.kind === 'response') {
      const key = `${entry.connection} ${entry.direction === 'out' ? 'ours' : 'theirs'} ${entry.opaque}`;
      if (entry.kind === 'request') asked.set(key, entry);
      const peer = names.get(entry.address) ?? 'name-server';
      const answered = asked.get(
        `${entry.connection} ${entry.direction === 'out' ? 'theirs' : 'ours'} ${entry.opaque}`,
      );
      steps.push(...frameStep(member, peer, entry, answered));
    }
  }
  return steps.filter(
    ({ at, queue }) =>
      at >= from && at <= to && (queue === undefined || queues === undefined || queues.has(queue)),
  );
}

/** Address → broker name, from the routes that were answered. */
function namesOf(entries: readonly TraceEntry[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const entry of entries) {
    if (entry.kind !== 'response' || entry.brokers === undefined) continue;
    for (const [address, name] of Object.entries(entry.brokers)) names.set(address, name);
  }
  return names;
}

function frameStep(
  member: string,
  peer: string,
  entry: TraceEntry & FrameEntry,
  answered: FrameEntry | undefined,
): Step[] {
  const ours = entry.direction === 'out';
  const [from, to] = ours ? [member, peer] : [peer, member];
  if (entry.kind !== 'response') {
    const arrow = entry.kind === 'oneway' ? '-)' : '->>';
    return [{ at: entry.at, from, to, arrow, what: questionText(entry), queue: queueText(entry) }];
  }
  if (answered === undefined) return [];
  const what = answerText(answered, entry);
  return what === undefined
    ? []
    : [{ at: entry.at, from, to, arrow: '-->>', what, queue: queueText(answered) }];
}

const commitFlag = 1;

function questionText({ code, fields, body }: FrameEntry): string {
  const name = nameOf(RequestCode, code);
  if (code === RequestCode.LOCK_BATCH_MQ || code === RequestCode.UNLOCK_BATCH_MQ) {
    return `${name} ${queueIds(body, 'mqSet')}`;
  }
  if (code === RequestCode.GET_ROUTEINFO_BY_TOPIC) return `${name} ${fields['topic'] ?? ''}`;
  if (code === RequestCode.UPDATE_CONSUMER_OFFSET) return `${name} ${fields['commitOffset'] ?? ''}`;
  if (code === RequestCode.PULL_MESSAGE) {
    const commits = (Number(fields['sysFlag']) & commitFlag) !== 0;
    return `${name} from ${fields['queueOffset'] ?? ''}${commits ? `, commits ${fields['commitOffset'] ?? ''}` : ''}`;
  }
  return name;
}

/** Undefined: it went as it should, and says nothing more. */
function answerText(asked: FrameEntry, { code, fields, body, offsets }: FrameEntry): string | undefined {
  if (asked.code === RequestCode.LOCK_BATCH_MQ && code === ResponseCode.SUCCESS) {
    return `granted ${queueIds(body, 'lockOKMQSet')}`;
  }
  if (asked.code === RequestCode.QUERY_CONSUMER_OFFSET && code === ResponseCode.SUCCESS) {
    return `committed is ${fields['offset'] ?? ''}`;
  }
  if (asked.code === RequestCode.PULL_MESSAGE) {
    return code === ResponseCode.SUCCESS ? `${offsets?.length ?? 0} messages` : undefined;
  }
  if (asked.code === RequestCode.GET_CONSUMER_LIST_BY_GROUP && code === ResponseCode.SUCCESS) {
    return `members ${listOf(body, 'consumerIdList').length}`;
  }
  const answersMatter: readonly number[] = [
    RequestCode.UPDATE_CONSUMER_OFFSET,
    RequestCode.CONSUMER_SEND_MSG_BACK,
  ];
  if (code !== ResponseCode.SUCCESS) return `refused ${nameOf(ResponseCode, code)}`;
  return answersMatter.includes(asked.code) ? 'ok' : undefined;
}

function queueText({ fields }: FrameEntry): string | undefined {
  const { topic, queueId } = fields;
  return topic === undefined || queueId === undefined ? undefined : `${topic}/${queueId}`;
}

/** Queues of a 41 or 42, or those granted by its answer. */
function queueIds(body: unknown, key: string): string {
  const names = queuesIn(body, key);
  return names.length === 0 ? 'none' : names.join(', ');
}

export function queuesIn(body: unknown, key: string): readonly string[] {
  return listOf(body, key)
    .flatMap(queue =>
      typeof queue === 'object' && queue !== null && 'queueId' in queue && 'topic' in queue
        ? [`${String(queue.topic)}/${String(queue.queueId)}`]
        : [],
    )
    .sort();
}

function listOf(body: unknown, key: string): readonly unknown[] {
  const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, key) : undefined;
  return Array.isArray(value) ? value : [];
}

function listenerStep(
  member: string,
  entry: TraceEntry & { readonly kind: 'begin' | 'end' },
  entries: readonly TraceEntry[],
): Step[] {
  if (entry.kind === 'begin') {
    const queue = `${entry.queue.topic}/${entry.queue.queueId}`;
    return [{ ...note(entry.at, member, 'listener is called with'), queue }];
  }
  const begun = entries.find(each => each.kind === 'begin' && each.delivery === entry.delivery);
  const queue = begun?.kind === 'begin' ? `${begun.queue.topic}/${begun.queue.queueId}` : undefined;
  const what = entry.done > 0 ? 'listener is done with' : `listener ${entry.outcome}:`;
  return [{ ...note(entry.at, member, what), queue }];
}

function note(at: number, member: string, what: string): Step {
  return { at, from: member, to: member, arrow: 'note', what, queue: undefined };
}

/** Steps of the same kind that follow each other become one, which names the queues. */
function joined(steps: readonly Step[]): readonly Step[] {
  const drawn: (Step & { readonly count: number; readonly queues: ReadonlySet<string> })[] = [];
  for (const step of steps) {
    const last = drawn.at(-1);
    const queues = new Set(step.queue === undefined ? [] : [step.queue]);
    const isSame =
      last !== undefined &&
      last.from === step.from &&
      last.to === step.to &&
      last.arrow === step.arrow &&
      last.what === step.what;
    if (!isSame) drawn.push({ ...step, count: 1, queues });
    else
      drawn[drawn.length - 1] = {
        ...last,
        count: last.count + 1,
        queues: new Set([...last.queues, ...queues]),
      };
  }
  return drawn.map(({ count, queues, ...step }) => ({
    ...step,
    what: count > 1 ? `${step.what} (${count} times)` : step.what,
    queue: queues.size === 0 ? undefined : [...queues].sort().join(', '),
  }));
}

function nameOf(table: Readonly<Record<string, number>>, code: number): string {
  const found = Object.entries(table).find(([, value]) => value === code);
  return `${code}${found === undefined ? '' : ` ${found[0]}`}`;
}
