// SPDX-License-Identifier: Apache-2.0
/** How are failed messages sorted and sent, and what follows for each of them? */
import { ConsumerError, type RocketmqError, toError, toRocketmqError } from '../../errors/errors.ts';
import { queueKey } from '../../model/message-queue.ts';
import type { Receiver } from '../shared/refs.ts';
import type { Round } from './job-board.ts';
import { type Decision, levelAtBroker, undecided } from './send-back.logic.ts';
import type {
  BrokerReturnsContext,
  SendBackContext,
  SendBackPort,
  SendBackReport,
} from './send-back.types.ts';
import type { Returning, SendBackJob, Way } from './send-back-job.ts';

/** Decides on each, and puts it on the board of its broker; what is let go of is done here and now. */
export function sortOut(context: SendBackContext, actor: string, jobs: readonly SendBackJob[]): void {
  const { port, boards, senders, parent } = context;
  const woken = new Set<string>();
  for (const job of jobs) {
    const { way, error } = decisionOn(port, job);
    if (error !== undefined) parent.send({ type: 'fault', error, actor });
    if (way.kind === 'drop') {
      settle(parent, actor, job, way);
      continue;
    }
    const { brokerName } = job.queue;
    const board = boards.of(brokerName);
    if (board.next === undefined) woken.add(brokerName);
    board.add({ job, way });
  }
  for (const brokerName of woken) senders.get().get(brokerName)?.send({ type: 'messages.waiting' });
}

/** All messages of a round side by side; one refusal does not touch the others. Once aborted, no answer counts. Never rejects. */
export async function sendRound(
  round: Round,
  send: (message: Returning, signal: AbortSignal) => Promise<void>,
  onTaken: (message: Returning) => void,
  signal: AbortSignal,
): Promise<void> {
  const each = async (message: Returning): Promise<void> => {
    try {
      await send(message, signal);
    } catch (thrown) {
      round.refuse(message, notTaken(message.job, toError(thrown).message, thrown));
      return;
    }
    if (!signal.aborted && round.take(message)) onTaken(message);
  };
  await Promise.all(round.messages.map(each));
}

/** The broker has it: the offset may pass. */
export function settleReturned(
  { reports }: BrokerReturnsContext,
  actor: string,
  { job, way }: Returning,
): void {
  const attempts = job.failed.message.reconsumeTimes;
  const told: Way =
    way.kind === 'retry' ? { kind: 'retry', delayLevel: levelAtBroker(way.delayLevel, attempts) } : way;
  settle(reports, actor, job, told);
}

/** Nobody took them, the last round included: told, and delivered again from here after a pause. */
export function keepForLocalRetry(context: BrokerReturnsContext, actor: string): void {
  const { board, local, parent, reports, roundLimit } = context;
  const { round } = board;
  const left = round.giveUp();
  if (left.length === 0) return;
  for (const message of left) {
    const error = round.errorOf(message) ?? notTaken(message.job, `no answer within ${roundLimit} ms`);
    reports.send({ type: 'fault', error, actor });
  }
  local.add(left);
  parent.send({ type: 'messages.left' });
}

export function redeliverPaused({ local, parent }: SendBackContext, actor: string): void {
  for (const { job } of local.endPause()) attempt(parent, actor, () => job.redeliver(job.failed));
}

/** Deciding reads the message and asks a user's function: whatever happens there, the message keeps a way. */
function decisionOn(port: SendBackPort, job: SendBackJob): Decision {
  try {
    return port.decide(job);
  } catch (thrown) {
    return { way: undecided(job), error: toRocketmqError(thrown) };
  }
}

function settle(reports: Receiver<SendBackReport>, actor: string, job: SendBackJob, way: Way): void {
  const { queue, failed } = job;
  const { msgId, reconsumeTimes } = failed.message;
  attempt(reports, actor, () => {
    job.settle(failed);
    const attempts = reconsumeTimes + 1;
    reports.send({ type: 'message.returned', queue, msgId, attempt: attempts, way, error: failed.error });
  });
}

/** What one message throws must not keep the others from ending. */
function attempt(reports: Receiver<SendBackReport>, actor: string, end: () => void): void {
  try {
    end();
  } catch (thrown) {
    reports.send({ type: 'fault', error: toRocketmqError(thrown), actor });
  }
}

function notTaken({ queue, failed }: SendBackJob, reason: string, cause?: unknown): RocketmqError {
  const { msgId, queueOffset } = failed.message;
  return new ConsumerError(
    'RMQ_SEND_BACK_FAILED',
    `message ${msgId} at ${queueKey(queue)}:${queueOffset} could not be handed back: ${reason}`,
    { context: { queue: queueKey(queue), queueOffset, msgId }, ...(cause !== undefined && { cause }) },
  );
}
