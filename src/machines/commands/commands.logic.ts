// SPDX-License-Identifier: Apache-2.0
/** Which commands are due, what does each take, and which cannot be carried out at all? Pure. */
import type { ConsumerError } from '../../errors/errors.ts';
import { type CommandTicket, sharedTicket } from '../../model/command-ticket.ts';
import { type MessageQueue, sameQueue } from '../../model/message-queue.ts';
import { isRetryTopic } from '../../model/names.ts';
import { Claims, isChange } from './claims.ts';
import type { CommandsContext, CommandsPort, Job, Work } from './commands.types.ts';
import { invalid, notOwned, notSubscribed } from './refusals.ts';
import type { SeekWork } from './seek.types.ts';
import type {
  BrokerReset,
  CommitCommand,
  PauseCommand,
  QueueChoice,
  ResetOffsetCommand,
  SeekCommand,
  SubscriptionCommand,
  WorkCommand,
} from './work-command.ts';

/** As many actors of their own at once: brokers shall not be asked for a thousand places in one turn. */
const mostRunning = 32;

/** What to do with a job whose turn has come. */
export type Step =
  | { readonly kind: 'pause'; readonly job: JobOf<PauseCommand> }
  | { readonly kind: 'seek'; readonly job: JobOf<SeekWork> }
  | {
      readonly kind: 'commit';
      readonly job: JobOf<CommitCommand>;
      readonly queues: readonly MessageQueue[];
    }
  | { readonly kind: 'subscribe'; readonly job: JobOf<SubscriptionCommand> }
  | { readonly kind: 'nothing'; readonly job: Job }
  | { readonly kind: 'refuse'; readonly job: Job; readonly error: ConsumerError };

export type JobOf<Kind extends Work> = Job & { readonly work: Kind };

type Owned = Pick<CommandsPort, 'owned' | 'isSubscribed'>;

export interface Due extends Pick<CommandsContext, 'lastId' | 'waiting' | 'running'> {
  readonly steps: readonly Step[];
}

/** Takes the jobs that may begin out of those that wait, in the order they came. */
export function takeDue(context: Pick<CommandsContext, keyof Omit<Due, 'steps'> | 'lasting' | 'port'>): Due {
  const { port } = context;
  const running = [...context.running];
  const waiting: Job[] = [];
  const steps: Step[] = [];
  const claims = new Claims();
  for (const { work } of running) claims.add(work);
  for (const { work } of context.lasting) claims.addLasting(work);
  let { lastId } = context;
  const pending = [...context.waiting].reverse();
  for (let job = pending.pop(); job !== undefined; job = pending.pop()) {
    if (claims.blocks(job.work) || (running.length >= mostRunning && takesTime(job.work))) {
      claims.add(job.work);
      waiting.push(job);
      continue;
    }
    const step = stepOf(job, port);
    if (step.kind === 'seeks') {
      const seeks = step.seeks.map(seek => ({ ...seek, id: ++lastId }));
      pending.push(...seeks.reverse());
      continue;
    }
    steps.push(step);
    if (step.kind === 'seek' || step.kind === 'commit' || step.kind === 'subscribe') {
      running.push(job);
      claims.add(job.work);
    }
  }
  return { steps, lastId, waiting, running };
}

export function isAnyDue(context: Parameters<typeof takeDue>[0]): boolean {
  return takeDue(context).steps.length > 0;
}

/** A job that now lasts: it holds up no more than it must. */
export function withLasting(
  { running, lasting }: Pick<CommandsContext, 'running' | 'lasting'>,
  about: { readonly topic: string } | { readonly queue: MessageQueue },
): Pick<CommandsContext, 'running' | 'lasting'> {
  const isMeant = ({ work }: Job): boolean =>
    'queue' in about
      ? work.type === 'queue.seek' && sameQueue(work.queue, about.queue)
      : isChange(work) && work.topic === about.topic;
  return {
    running: running.filter(job => !isMeant(job)),
    lasting: [...lasting, ...running.filter(isMeant)],
  };
}

/** Changes that last, and of whose topic another change waits. */
export function replacedOf({
  lasting,
  waiting,
}: Pick<CommandsContext, 'lasting' | 'waiting'>): readonly Job[] {
  if (lasting.length === 0) return lasting;
  const wanted = new Set(waiting.flatMap(({ work }) => (isChange(work) ? work.topic : [])));
  return lasting.filter(({ work }) => isChange(work) && wanted.has(work.topic));
}

function takesTime({ type }: Work): boolean {
  return type !== 'queue.pause' && type !== 'queue.resume' && type !== 'consumer.resetOffset';
}

type Seeks = { readonly kind: 'seeks'; readonly seeks: readonly Omit<Job, 'id'>[] };

function stepOf(job: Job, port: Owned): Step | Seeks {
  const { work } = job;
  switch (work.type) {
    case 'consumer.subscribe':
    case 'consumer.updateSelector':
    case 'consumer.unsubscribe':
      return { kind: 'subscribe', job: { ...job, work } };
    case 'queue.pause':
    case 'queue.resume':
      return { kind: 'pause', job: { ...job, work } };
    case 'queue.seek':
      if (!owns(port, work.queue)) return { kind: 'refuse', job, error: notOwned(work.queue) };
      return { kind: 'seek', job: { ...job, work } };
    case 'consumer.commit':
      return commitStep({ ...job, work }, port);
    case 'consumer.resetOffset':
      return resetStep({ ...job, work }, port);
  }
}

function commitStep(job: JobOf<CommitCommand>, port: Owned): Step {
  const { queue } = job.work;
  if (queue === undefined) return { kind: 'commit', job, queues: port.owned() };
  if (!owns(port, queue)) return { kind: 'refuse', job, error: notOwned(queue) };
  return { kind: 'commit', job, queues: [queue] };
}

/** Without a topic: all that are subscribed. What was retried stays where it is unless its topic is named. */
function resetStep(job: JobOf<ResetOffsetCommand>, port: Owned): Step | Seeks {
  const { topic, timestamp } = job.work;
  if (topic !== undefined && !port.isSubscribed(topic)) {
    return { kind: 'refuse', job, error: notSubscribed(job.work.type, topic) };
  }
  const queues = port
    .owned()
    .filter(each => (topic === undefined ? !isRetryTopic(each.topic) : each.topic === topic));
  if (queues.length === 0) return { kind: 'nothing', job };
  const ticketOf: () => CommandTicket = sharedTicket(job.ticket, queues.length);
  const seeks = queues.map(queue => ({
    work: { type: 'queue.seek', queue, to: { timestamp }, reason: 'resetOffset' } as const,
    ticket: ticketOf(),
  }));
  return { kind: 'seeks', seeks };
}

function owns(port: Owned, queue: MessageQueue): boolean {
  return port.owned().some(each => sameQueue(each, queue));
}

function isReset(command: SeekCommand | BrokerReset): command is BrokerReset {
  return 'reason' in command && command.reason === 'reset';
}

export function workOf(command: WorkCommand): Work {
  return command.type === 'queue.seek'
    ? { ...command, reason: isReset(command) ? 'reset' : 'seek' }
    : command;
}

/** What a caller in JavaScript may have got wrong. Subscriptions are looked at by whoever carries them out. */
export function problemOf(command: WorkCommand): ConsumerError | undefined {
  const { type } = command;
  switch (type) {
    case 'queue.pause':
    case 'queue.resume':
      return choiceProblem(type, command);
    case 'queue.seek':
      return queueProblem(type, command.queue) ?? targetProblem(type, command.to);
    case 'consumer.resetOffset':
      return (
        (command.topic === undefined ? undefined : topicProblem(type, command.topic)) ??
        timeProblem(type, command.timestamp)
      );
    case 'consumer.commit':
      return commitProblem(command);
    case 'consumer.subscribe':
    case 'consumer.updateSelector':
    case 'consumer.unsubscribe':
      return undefined;
  }
}

/** A whole topic must not be meant by a slip. */
function choiceProblem(command: string, choice: QueueChoice): ConsumerError | undefined {
  const { queue, topic } = choice;
  if (queue === undefined) {
    const isBareQueue = choice.brokerName !== undefined || choice.queueId !== undefined;
    if (isBareQueue) return invalid(command, 'topic', 'means all queues of it; for one queue give { queue }');
    return topicProblem(command, topic);
  }
  if (topic !== undefined) return invalid(command, 'topic', 'and queue exclude each other');
  return queueProblem(command, queue);
}

function commitProblem({ type, queue, offset }: CommitCommand): ConsumerError | undefined {
  if (queue === undefined) {
    return offset === undefined ? undefined : invalid(type, 'offset', 'goes with a queue only');
  }
  return (
    queueProblem(type, queue) ?? (offset === undefined ? undefined : offsetProblem(type, 'offset', offset))
  );
}

function topicProblem(command: string, topic: unknown): ConsumerError | undefined {
  return typeof topic === 'string' && topic !== ''
    ? undefined
    : invalid(command, 'topic', 'is the name of a topic; or give a queue');
}

function queueProblem(command: string, queue: Partial<MessageQueue> | null): ConsumerError | undefined {
  const isQueue =
    typeof queue?.topic === 'string' &&
    typeof queue.brokerName === 'string' &&
    Number.isInteger(queue.queueId);
  return isQueue ? undefined : invalid(command, 'queue', 'is { topic, brokerName, queueId }');
}

function offsetProblem(command: string, field: string, offset: unknown): ConsumerError | undefined {
  return Number.isSafeInteger(offset) && Number(offset) >= 0
    ? undefined
    : invalid(command, field, `is a whole number from 0 to 2^53-1, not ${String(offset)}`);
}

function targetProblem(command: string, to: SeekWork['to'] | null): ConsumerError | undefined {
  if (to === 'begin' || to === 'end') return undefined;
  if (typeof to === 'object' && to !== null) return timeProblem(command, to.timestamp);
  return typeof to === 'number'
    ? offsetProblem(command, 'to', to)
    : invalid(command, 'to', "is an offset, 'begin', 'end' or { timestamp }");
}

function timeProblem(command: string, time: unknown): ConsumerError | undefined {
  const ms = time instanceof Date ? time.getTime() : time;
  return Number.isSafeInteger(ms) && Number(ms) >= 0
    ? undefined
    : invalid(command, 'timestamp', 'is a Date, or whole ms since 1970');
}

/** Unit: ms since 1970. */
export function millisOf(time: number | Date): number {
  return typeof time === 'number' ? time : time.getTime();
}
