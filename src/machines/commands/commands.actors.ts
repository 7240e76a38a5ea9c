// SPDX-License-Identifier: Apache-2.0
/** How is a commit the user asked for carried out, and what becomes of tickets when the actor of commands died? */
import { fromPromise } from 'xstate';
import type { RocketmqError } from '../../errors/errors.ts';
import type { CommandTicket } from '../../model/command-ticket.ts';
import type { MessageQueue } from '../../model/message-queue.ts';
import { sharedSignal } from '../shared/shared-signal.ts';
import type { CommandsContext, CommandsPort, Job } from './commands.types.ts';

export interface CommitInput {
  readonly port: CommandsPort;
  readonly queues: readonly MessageQueue[];
  readonly upTo: number | undefined;
}

export const commitNow = fromPromise<void, CommitInput>(({ input: { port, queues, upTo }, signal }) =>
  port.commit(queues, upTo, sharedSignal(signal)),
);

/** All that is not done. */
export function openJobs({
  running,
  lasting,
  waiting,
}: Pick<CommandsContext, 'running' | 'lasting' | 'waiting'>): readonly Job[] {
  return [...lasting, ...running, ...waiting];
}

/** Whoever waits hears that the job will not be done. */
export function refuseAll(jobs: readonly Job[], errorOf: (job: Job) => RocketmqError): void {
  for (const job of jobs) job.ticket.refused(errorOf(job));
}

/** A ticket that also tells something else when the command took effect. */
export function alsoTelling(ticket: CommandTicket, tell: () => void): CommandTicket {
  return {
    done: () => {
      tell();
      ticket.done();
    },
    refused: error => ticket.refused(error),
  };
}
