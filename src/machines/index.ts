// SPDX-License-Identifier: Apache-2.0
/** Every machine, for inspection, visualisation and tests. */

export { type CommandsMachine, commandsMachine } from './commands/commands.machine.ts';
export { type SeekMachine, seekMachine } from './commands/seek.machine.ts';
export { type ConflictsMachine, conflictsMachine } from './conflicts/conflicts.machine.ts';
export { type ConnectionMachine, connectionMachine } from './connection/connection.machine.ts';
export { type ConsumeMachine, consumeMachine } from './consume/consume.machine.ts';
export { type ConsumerMachine, consumerMachine } from './consumer/consumer.machine.ts';
export { type HeartbeatMachine, heartbeatMachine } from './heartbeat/heartbeat.machine.ts';
export { type BrokerLocksMachine, brokerLocksMachine } from './locks/broker-locks.machine.ts';
export { type LocksMachine, locksMachine } from './locks/locks.machine.ts';
export { type OffsetsMachine, offsetsMachine } from './offsets/offsets.machine.ts';
export { type PullMachine, pullMachine } from './pull/pull.machine.ts';
export { type QueueMachine, queueMachine } from './queue/queue.machine.ts';
export { type QueuesMachine, queuesMachine } from './queues/queues.machine.ts';
export { type RebalanceMachine, rebalanceMachine } from './rebalance/rebalance.machine.ts';
export { type ResetsMachine, resetsMachine } from './resets/resets.machine.ts';
export { type RoutesMachine, routesMachine } from './routes/routes.machine.ts';
export {
  type BrokerReturnsMachine,
  brokerReturnsMachine,
} from './send-back/broker-returns.machine.ts';
export { type SendBackMachine, sendBackMachine } from './send-back/send-back.machine.ts';
export { type SubscribingMachine, subscribingMachine } from './subscribing/subscribing.machine.ts';
export { type TraceMachine, traceMachine } from './trace/trace.machine.ts';
