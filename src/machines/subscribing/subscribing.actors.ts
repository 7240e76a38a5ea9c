// SPDX-License-Identifier: Apache-2.0
/** How are the steps of a change taken, each with an end? All are calls of the port. */
import { fromPromise } from 'xstate';
import type { SubscriptionCommand } from '../commands/work-command.ts';
import type { SubscribingPlan, SubscribingPort } from './subscribing.types.ts';

/** A step that is about one plan. */
export interface StepInput {
  readonly port: SubscribingPort;
  readonly plan: SubscribingPlan;
}

export interface PlanInput {
  readonly port: SubscribingPort;
  readonly command: SubscriptionCommand;
}

/** What it throws is the refusal. */
export const plan = fromPromise<SubscribingPlan, PlanInput>(async ({ input }) =>
  input.port.plan(input.command),
);

export const check = fromPromise<void, StepInput>(({ input, signal }) =>
  input.port.check(input.plan, signal),
);

export const locate = fromPromise<void, StepInput>(({ input, signal }) =>
  input.port.locate(input.plan.topic, signal),
);

export const register = fromPromise<void, StepInput>(({ input, signal }) =>
  input.port.register(input.plan.topic, signal),
);

export const share = fromPromise<void, StepInput>(({ input }) => input.port.share());

export const drain = fromPromise<void, StepInput>(({ input }) => input.port.drained(input.plan.topic));
