// SPDX-License-Identifier: Apache-2.0
/** Which plan is whose? A new machine has a line here: one rule at least, all else is read from its chart. */
import type { PathPlan } from './kit/path-plan.ts';
import { brokerLocksPlan } from './plans/broker-locks.ts';
import { brokerReturnsPlan } from './plans/broker-returns.ts';
import { commandsPlan } from './plans/commands.ts';
import { connectionPlan } from './plans/connection.ts';
import { consumePlan } from './plans/consume.ts';
import { consumerPlan } from './plans/consumer.ts';
import { heartbeatPlan } from './plans/heartbeat.ts';
import { locksPlan } from './plans/locks.ts';
import { offsetsPlan } from './plans/offsets.ts';
import { pullPlan } from './plans/pull.ts';
import { queuePlan } from './plans/queue.ts';
import { queuesPlan } from './plans/queues.ts';
import { rebalancePlan } from './plans/rebalance.ts';
import { routesPlan } from './plans/routes.ts';
import { seekPlan } from './plans/seek.ts';
import { sendBackPlan } from './plans/send-back.ts';
import { subscribingPlan } from './plans/subscribing.ts';

/** By the name of the machine, as its folder and its pictures have it. */
export const plans: ReadonlyMap<string, PathPlan> = new Map([
  ['broker-locks', brokerLocksPlan],
  ['broker-returns', brokerReturnsPlan],
  ['commands', commandsPlan],
  ['connection', connectionPlan],
  ['consume', consumePlan],
  ['consumer', consumerPlan],
  ['heartbeat', heartbeatPlan],
  ['locks', locksPlan],
  ['offsets', offsetsPlan],
  ['pull', pullPlan],
  ['queue', queuePlan],
  ['queues', queuesPlan],
  ['rebalance', rebalancePlan],
  ['routes', routesPlan],
  ['seek', seekPlan],
  ['send-back', sendBackPlan],
  ['subscribing', subscribingPlan],
]);
