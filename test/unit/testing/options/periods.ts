// SPDX-License-Identifier: Apache-2.0
/** What do the options of periods change? */
import { shutdown, whenRunning } from '../../../../src/index.ts';
import { about, type Effect, hang, type Stage } from './effect.ts';

/** How often a running consumer that has nothing to do asks, in a minute; what is asked at the same time counts once. */
function inAMinute(request: string): Effect['observe'] {
  return async stage => {
    await stage.start();
    await stage.pass(5000);
    const since = stage.now;
    await stage.pass(60_000);
    const later = stage.cluster.requests({ request }).filter(({ at }) => at > since);
    return new Set(later.map(({ at }) => at)).size;
  };
}

/** When the start was given up. */
async function givenUpAfter(stage: Stage): Promise<number> {
  stage.cluster.interfere({ server: 'namesrv-0' }, { kind: 'drop' });
  const from = stage.now;
  const actor = stage.make();
  const failed = whenRunning(actor).then(
    () => 'running',
    () => 'given up',
  );
  actor.start();
  await stage.cluster.passUntil(failed);
  return stage.now - from;
}

/** How long a shutdown with a handler that never ends took. */
async function stoppedAfter(stage: Stage): Promise<number> {
  stage.send(1);
  const actor = await stage.start();
  await stage.until(() => stage.running === 1);
  const report = shutdown(actor);
  await stage.cluster.passUntil(report);
  return (await report).durationMs;
}

export const periodEffects = {
  startTimeout: {
    change: { startTimeout: 2000 },
    observe: givenUpAfter,
    byDefault: about(15_000),
    changed: about(2000),
  },
  shutdownTimeout: {
    listener: (_, context) => hang(context),
    change: { shutdownTimeout: 5000 },
    observe: stoppedAfter,
    byDefault: about(7000), // the time of handlers: 3 s less
    changed: about(2500), // the half of it, where that is more
  },
  pollNameServerInterval: {
    change: { pollNameServerInterval: 10_000 },
    observe: inAMinute('routeByTopic'),
    byDefault: 2,
    changed: 6,
  },
  heartbeatBrokerInterval: {
    change: { heartbeatBrokerInterval: 10_000 },
    observe: inAMinute('heartbeat'),
    byDefault: 2,
    changed: 6,
  },
  rebalanceInterval: {
    change: { rebalanceInterval: 5000 },
    observe: inAMinute('consumerListByGroup'),
    byDefault: 6, // for one topic, then for the other
    changed: 24,
  },
} satisfies Readonly<Record<string, Effect>>;
