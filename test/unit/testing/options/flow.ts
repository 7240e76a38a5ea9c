// SPDX-License-Identifier: Apache-2.0
/** What do the options of flow control change? */
import { atLeast, type Effect, hang, type Stage } from './effect.ts';

const kibibytes64 = (i: number): string => `${i}`.padEnd(65_536, 'x');

/** Why pulling stopped while forty messages met handlers that never end. */
function causes(body?: (i: number) => string): Effect['observe'] {
  return async stage => {
    stage.send(40, body);
    await stage.start();
    await stage.pass(2000);
    return [...new Set(stage.all('flow.closed').map(({ cause }) => cause))];
  };
}

const stuck = { listener: (_: unknown, context: { readonly signal: AbortSignal }) => hang(context) };
const small = { ...stuck, base: { pullBatchSize: 4 }, observe: causes(), byDefault: [] };
const large = { ...small, observe: causes(kibibytes64) };

export const flowEffects = {
  pullThresholdForAll: { ...small, change: { pullThresholdForAll: 8 }, changed: ['countOfAll'] },
  pullThresholdSizeForAll: { ...large, change: { pullThresholdSizeForAll: 1 }, changed: ['sizeOfAll'] },
  pullThresholdForTopic: { ...small, change: { pullThresholdForTopic: 8 }, changed: ['countOfTopic'] },
  pullThresholdSizeForTopic: { ...large, change: { pullThresholdSizeForTopic: 1 }, changed: ['sizeOfTopic'] },
  pullThresholdForQueue: { ...small, change: { pullThresholdForQueue: 8 }, changed: ['countOfQueue'] },
  pullThresholdSizeForQueue: { ...large, change: { pullThresholdSizeForQueue: 1 }, changed: ['sizeOfQueue'] },
  consumeConcurrentlyMaxSpan: {
    ...small,
    change: { consumeConcurrentlyMaxSpan: 8 },
    changed: ['spanOfQueue'],
  },
  flowControlMaxDiff: { ...small, change: { flowControlMaxDiff: 8 }, changed: ['uncommittedOfQueue'] },
  maxMessagesPerSecond: {
    change: { maxMessagesPerSecond: 10 },
    observe: async stage => {
      stage.send(41);
      await stage.start();
      await stage.until(() => stage.deliveries.length === 41);
      return (stage.deliveries.at(-1)?.at ?? 0) - (stage.deliveries[0]?.at ?? 0);
    },
    byDefault: 0,
    changed: atLeast(3500), // one at once, forty at ten a second, less the step of the clock
  },
  flowControlInterval: {
    ...stuck,
    base: { pullThresholdForQueue: 8, pullBatchSize: 4 },
    change: { flowControlInterval: 1000 },
    observe: async stage => await looksAgain(stage),
    byDefault: 200,
    changed: 10,
  },
} satisfies Readonly<Record<string, Effect>>;

/** How often a queue that stopped pulling looked by itself whether there is room, in ten seconds. */
async function looksAgain(stage: Stage): Promise<number> {
  let looks = 0;
  stage.send(40);
  await stage.start(
    {},
    {
      inspect: event => {
        if (event.type === '@xstate.event' && event.event.type.startsWith('xstate.after.flowSafetyCheck'))
          looks += 1;
      },
    },
  );
  await stage.until(() => stage.all('flow.closed').length > 0);
  await stage.pass(1000);
  const before = looks;
  await stage.pass(10_000);
  return looks - before;
}
