// SPDX-License-Identifier: Apache-2.0
/** How is a round of failed messages sent, and what follows for each of them? */
import { ConsumerError, type RocketmqError, toError, toRocketmqError } from '../../errors/errors.ts';
import { queueKey } from '../../model/message-queue.ts';
import type { Round } from './job-board.ts';
import type { SendBackContext } from './send-back.types.ts';
import type { SendBackJob } from './send-back-job.ts';

/** All messages of a round side by side; one refusal does not touch the others. Once aborted, no answer counts. Never rejects. */
export async function sendRound(
  round: Round,
  send: (job: SendBackJob, signal: AbortSignal) => Promise<void>,
  onTaken: (job: SendBackJob) => void,
  signal: AbortSignal,
): Promise<void> {
  const each = async (job: SendBackJob): Promise<void> => {
    try {
      await send(job, signal);
    } catch (thrown) {
      round.refuse(job, notTaken(job, toError(thrown).message, thrown));
      return;
    }
    if (!signal.aborted && round.take(job)) onTaken(job);
  };
  await Promise.all(round.jobs.map(each));
}

/** The broker has it: the offset may pass. */
export function settle({ parent }: SendBackContext, actor: string, job: SendBackJob): void {
  const { queue, failed } = job;
  attempt(parent, actor, () => {
    job.settle(failed);
    parent.send({
      type: 'message.returned',
      queue,
      msgId: failed.message.msgId,
      attempt: failed.message.reconsumeTimes + 1,
      delayLevel: failed.delayLevel,
      error: failed.error,
    });
  });
}

/** Nobody took them, the last round included: told, and delivered again from here after a pause. */
export function keepForLocalRetry({ board, parent, roundLimit }: SendBackContext, actor: string): void {
  const { round } = board;
  const jobs = round.giveUp();
  for (const job of jobs) {
    const error = round.errorOf(job) ?? notTaken(job, `no answer within ${roundLimit} ms`);
    parent.send({ type: 'fault', error, actor });
  }
  board.keepForLocalRetry(jobs);
}

export function redeliverPaused({ board, parent }: SendBackContext, actor: string): void {
  for (const job of board.endPause()) attempt(parent, actor, () => job.redeliver(job.failed));
}

/** What one message throws must not keep the others from ending. */
function attempt(parent: SendBackContext['parent'], actor: string, end: () => void): void {
  try {
    end();
  } catch (thrown) {
    parent.send({ type: 'fault', error: toRocketmqError(thrown), actor });
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
