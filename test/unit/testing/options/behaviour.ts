// SPDX-License-Identifier: Apache-2.0
/** What do the options of behaviour change? */
import { type ConsumeHook, concurrently, orderly, type RevokeHook } from '../../../../src/index.ts';
import { RequestCode } from '../../../../src/protocol/codes.ts';
import { encodeOffsetMsgId } from '../../../../src/protocol/message-id.ts';
import { WireClient } from '../embedded/server/wire-client.ts';
import { about, type Effect, hang, type Stage } from './effect.ts';

const hour = 3_600_000;

/** How many messages came of three that were there before the start, the first of them an hour old. */
async function comesFromBefore(stage: Stage): Promise<number> {
  stage.send(1);
  await stage.pass(hour);
  stage.send(2);
  await stage.start();
  await stage.pass(5000);
  return stage.deliveries.length;
}

/** A second member joins while a handler of the first one runs; the time until what is waited for, from then. */
async function afterJoin(stage: Stage, isSo: () => boolean): Promise<number> {
  stage.send(20);
  await stage.start({ instanceName: 'a' });
  await stage.until(() => stage.running > 0);
  const from = stage.now;
  const joins = stage.make({ instanceName: 'b' });
  joins.start();
  await stage.until(isSo);
  return stage.now - from;
}

let revoked: string[] = [];

const noteRevoked: RevokeHook = queues => {
  revoked.push(...queues.map(({ topic }) => topic));
};

async function hookCalls(stage: Stage): Promise<number> {
  revoked = [];
  await stage.start({ instanceName: 'a' });
  await stage.start({ instanceName: 'b' });
  await stage.pass(10_000);
  return revoked.filter(topic => topic === 'orders').length;
}

let outcomes: string[] = [];

const noteOutcome: ConsumeHook = { after: (_, { outcome }) => outcomes.push(outcome) };

async function outcomesOf(stage: Stage): Promise<readonly string[]> {
  outcomes = [];
  stage.send(2);
  await stage.start();
  await stage.until(() => stage.deliveries.length === 2);
  await stage.pass(1000);
  return outcomes;
}

const usualTraces = 'RMQ_SYS_TRACE_TOPIC';

/** The topics in which there are traces, of these, after three messages were consumed. */
async function tracedIn(stage: Stage, ...topics: readonly string[]): Promise<readonly string[]> {
  stage.send(3);
  await stage.start();
  await stage.until(() => stage.deliveries.length === 3);
  await stage.pass(10_000);
  return topics.filter(topic => stage.cluster.broker().messages(topic).length > 0);
}

/** Whether a broker may hand a message over for a single call. */
async function directConsume(stage: Stage): Promise<number> {
  stage.send(1);
  const actor = await stage.start();
  await stage.until(() => stage.deliveries.length === 1);
  const tool = await WireClient.connect(stage.cluster.broker().address);
  const { clientId } = actor.getSnapshot().context;
  const msgId = encodeOffsetMsgId(Buffer.alloc(8), 0); // the first one in the log
  const answer = tool.request(RequestCode.CONSUME_MESSAGE_DIRECTLY, {
    fields: { consumerGroup: 'billing', clientId, msgId, topic: 'orders' },
  });
  await stage.cluster.passUntil(answer);
  tool.close();
  return stage.deliveries.length;
}

export const behaviourEffects = {
  messageModel: {
    change: { messageModel: 'BROADCASTING' },
    observe: async stage => {
      stage.send(3);
      await stage.start({ instanceName: 'a' });
      await stage.start({ instanceName: 'b' });
      await stage.pass(10_000);
      return stage.deliveries.length;
    },
    byDefault: 3,
    changed: 6,
  },
  consumeFromWhere: {
    base: { consumeFromWhere: undefined },
    change: { consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET' },
    observe: comesFromBefore,
    byDefault: 0,
    changed: 3,
  },
  consumeTimestamp: {
    base: { consumeFromWhere: 'CONSUME_FROM_TIMESTAMP' },
    change: { consumeTimestamp: 1 },
    observe: comesFromBefore,
    byDefault: 2, // of the last half hour
    changed: 3,
  },
  allocateStrategy: {
    queues: 4,
    change: { allocateStrategy: 'AVG_BY_CIRCLE' },
    observe: async stage => {
      const a = await stage.start({ instanceName: 'a' });
      await stage.start({ instanceName: 'b' });
      await stage.pass(30_000);
      const { assignedQueues } = a.getSnapshot().context;
      const ids = assignedQueues.map(({ queue }) => queue).filter(({ topic }) => topic === 'orders');
      return ids.map(({ queueId }) => queueId).toSorted();
    },
    byDefault: [0, 1],
    changed: [0, 2],
  },
  subscriptions: {
    base: { subscriptions: undefined },
    change: { subscriptions: [{ topic: 'orders' }] },
    observe: comesFromBefore,
    byDefault: 0,
    changed: 3,
  },
  listener: {
    base: { listener: undefined },
    change: stage => ({
      listener: concurrently((messages, context) => stage.consume(messages, context) as never),
    }), // as in Stage.make
    observe: stage => comesFromBefore(stage).catch((error: Error) => error.name),
    byDefault: 'ConfigError',
    changed: 3,
  },
  revokeTimeout: {
    queues: 2,
    listener: (_, context) => hang(context),
    change: { revokeTimeout: 2000 },
    observe: stage =>
      afterJoin(stage, () => stage.all('queue.revoked').some(({ queue }) => queue.topic === 'orders')),
    byDefault: about(10_500),
    changed: about(2500),
  },
  onQueuesRevoked: {
    queues: 2,
    change: { onQueuesRevoked: noteRevoked },
    observe: hookCalls,
    byDefault: 0,
    changed: 1,
  },
  consumeHooks: {
    change: { consumeHooks: [noteOutcome] },
    observe: outcomesOf,
    byDefault: [],
    changed: ['SUCCESS', 'SUCCESS'],
  },
  enableMessageTrace: {
    change: { enableMessageTrace: true },
    observe: stage => tracedIn(stage, usualTraces),
    byDefault: [],
    changed: [usualTraces],
  },
  traceTopic: {
    base: { enableMessageTrace: true },
    change: { traceTopic: 'team_traces' },
    observe: stage => tracedIn(stage, usualTraces, 'team_traces'),
    byDefault: [usualTraces],
    changed: ['team_traces'],
  },
  orderBy: {
    change: { orderBy: 'shardingKey' },
    observe: async stage => {
      for (const key of ['a', 'b', 'c']) {
        stage.cluster.send({ topic: 'orders', body: key, properties: { __SHARDINGKEY: key } });
      }
      const listener = orderly((messages, context) => stage.consume(messages, context) as never); // as in Stage.make
      await stage.start({ listener });
      await stage.until(() => stage.running > 0);
      await stage.pass(1000);
      return stage.most;
    },
    listener: (_, context) => hang(context),
    byDefault: 1,
    changed: 3,
  },
  handover: {
    queues: 2,
    change: { handover: 'none' },
    observe: async stage => {
      await stage.start({ instanceName: 'a' });
      await stage.start({ instanceName: 'b' });
      await stage.pass(10_000);
      return stage.cluster.requests({ request: 'lockBatch' }).length > 0;
    },
    byDefault: true,
    changed: false,
  },
  handoverTimeout: {
    queues: 2,
    base: { revokeTimeout: 600_000 },
    listener: (_, context) => hang(context),
    change: { handoverTimeout: 5000 },
    observe: stage =>
      afterJoin(stage, () => stage.all('fault').some(({ error }) => error.code === 'RMQ_HANDOVER_UNFENCED')),
    byDefault: about(30_500),
    changed: about(5500),
  },
  onCorruptMessage: {
    change: { onCorruptMessage: 'skip' },
    observe: async stage => {
      stage.send(3);
      stage.cluster.broker().damage({ topic: 'orders', queueId: 0, queueOffset: 1 }, 'body');
      await stage.start();
      await stage.pass(30_000);
      return stage.deliveries.map(({ body }) => body);
    },
    byDefault: ['0'],
    changed: ['0', '2'],
  },
  allowDirectConsume: {
    change: { allowDirectConsume: true },
    observe: directConsume,
    byDefault: 1,
    changed: 2,
  },
} satisfies Readonly<Record<string, Effect>>;
