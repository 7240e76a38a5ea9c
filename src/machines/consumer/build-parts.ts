// SPDX-License-Identifier: Apache-2.0
/** What does the consumer's chart get from the real world? The inputs of its children, and what it asks and does itself. */
import type { ResolvedConfig } from '../../config/resolved-config.ts';
import { actorInputs } from './actor-inputs.ts';
import type { ConsumerParts } from './consumer-parts.ts';
import type { PartsEnvironment } from './parts-environment.ts';
import { wire } from './wiring.ts';

export function buildParts(config: ResolvedConfig, environment: PartsEnvironment): ConsumerParts {
  const wiring = wire(config, environment);
  const {
    clock,
    logger,
    retryTopics,
    scope,
    mailbox,
    subscriptions,
    topics,
    pulse,
    cache,
    origins,
    former,
    slots,
    pulls,
    figures,
    network,
    store,
    startByTime,
    tracing,
    queues,
    subscribing,
    isSubscribed,
    requests,
  } = wiring;
  const { consumerGroup, clientId } = config;
  const { switchboard, calls } = network;
  return {
    config,
    clock,
    logger,
    slots,
    pulls,
    rates: () => Object.fromEntries(subscriptions.getTopics().map(topic => [topic, figures.rates(topic)])),
    inputs: actorInputs(wiring),
    subscribing,
    attach: consumer => {
      mailbox.attach(consumer);
      requests.noteStart();
      pulse.start();
      scope.defer(() => pulse.stop());
    },
    beginRound: () => queues.beginRound(),
    isUnidentified: () => network.identity !== undefined && network.identity.signer === undefined,
    identify: async () => network.identity?.load(),
    loadOffsets: () => store.load(),
    startsByTime: () => startByTime.isWanted,
    askByTime: signal => startByTime.ask(signal),
    noteRoutes: unknownTopic => {
      if (unknownTopic !== undefined) origins.note(unknownTopic, []);
      for (const topic of topics()) {
        const queues = cache.queuesOf(topic);
        if (queues === undefined) continue;
        origins.note(topic, queues);
        former.noteReturn(queues);
      }
    },
    knowsRetryTopic: () => retryTopics.every(topic => (cache.queuesOf(topic)?.length ?? 0) > 0),
    isSaved: () => store.metrics().recentPersistSuccessRate >= config.offsetStoreRecoveryThreshold,
    uncommitted: () => store.uncommitted(),
    leave: async ({ unconfirmed, timeoutMs: limit, signal }) => {
      const unlocked = await Promise.allSettled([
        queues.unlockAll(unconfirmed, { timeoutMs: limit / 2, signal }),
        tracing?.ended(limit / 2, signal),
      ]);
      const addresses = cache.brokerAddresses(topics()).filter(address => switchboard.isOpen(address));
      const outcomes = await Promise.allSettled(
        addresses.map(address =>
          calls.unregister(address, { clientId, consumerGroup }, { timeoutMs: limit / 2, signal }),
        ),
      );
      for (const outcome of [...unlocked, ...outcomes])
        if (outcome.status === 'rejected') throw outcome.reason;
    },
    mastersAt: address => cache.mastersAt(address),
    viewOf: (queue, paused) => queues.viewOf(queue, paused),
    isSubscribed,
    isFresh: () => pulse.isFresh(),
    confirmPulse: () => pulse.confirm(),
    fateOf: queue => cache.fateOf(queue),
    closeStaleLines: () => {
      // A queue that is being given up still has to commit.
      const used = queues.brokerNames().flatMap(name => [...cache.addressesOf(name).values()]);
      const wanted = new Set([...config.namesrvAddr, ...cache.brokerAddresses(topics()), ...used]);
      return network.closeAllBut(wanted);
    },
    closeLines: error => switchboard.closeAll(error),
    closeScope: () => {
      scope.close();
    },
  };
}
