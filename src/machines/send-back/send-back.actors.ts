// SPDX-License-Identifier: Apache-2.0
/** How is a round of failed messages sent, and what is told about it? */
import { ConsumerError, type RocketmqError, toError } from '../../errors/errors.ts';
import { queueKey } from '../../model/message-queue.ts';
import type { RoundOutcome, SendBackContext, SendBackJob } from './send-back.types.ts';

/** All messages of a round side by side; one refusal does not touch the others. */
export async function sendRound(
  jobs: readonly SendBackJob[],
  send: (job: SendBackJob) => Promise<void>,
): Promise<RoundOutcome> {
  const accepted: SendBackJob[] = [];
  const refused: { job: SendBackJob; error: RocketmqError }[] = [];
  const each = async (job: SendBackJob): Promise<void> => {
    try {
      await send(job);
      accepted.push(job);
    } catch (thrown) {
      refused.push({ job, error: notTaken(job, thrown) });
    }
  };
  await Promise.all(jobs.map(each));
  return { accepted, refused };
}

export function settleAccepted(context: SendBackContext, outcome: RoundOutcome): void {
  for (const { queue, failed, settle } of outcome.accepted) {
    settle(failed);
    context.parent.send({
      type: 'message.returned',
      queue,
      msgId: failed.message.msgId,
      attempt: failed.message.reconsumeTimes + 1,
      delayLevel: failed.delayLevel,
      error: failed.error,
    });
  }
}

function notTaken({ queue, failed }: SendBackJob, thrown: unknown): RocketmqError {
  const { msgId, queueOffset } = failed.message;
  return new ConsumerError(
    'RMQ_SEND_BACK_FAILED',
    `message ${msgId} at ${queueKey(queue)}:${queueOffset} could not be handed back: ${toError(thrown).message}`,
    { cause: thrown, context: { queue: queueKey(queue), queueOffset, msgId } },
  );
}
