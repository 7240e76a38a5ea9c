// SPDX-License-Identifier: Apache-2.0
/** What is said when the retry topic of a group has no route? Once that this is usual, and nothing more. */
import type { TopicRoute } from '../../model/route.ts';
import type { Logger } from '../../observability/logger.ts';

type FetchRoute = (topic: string, signal: AbortSignal) => Promise<TopicRoute | undefined>;

/** Fetches as before. Other clients log each such answer as an error, and many a user has searched for it. */
export function noteYoungRetryTopic(
  retryTopics: readonly string[],
  logger: Logger,
  fetch: FetchRoute,
): FetchRoute {
  const told = new Set<string>();
  return async (topic, signal) => {
    const route = await fetch(topic, signal);
    if (route === undefined && retryTopics.includes(topic) && !told.has(topic)) {
      told.add(topic);
      logger
        .child({ actor: 'routes' })
        .info({ topic }, 'the retry topic does not exist yet; its first failed message makes it');
    }
    return route;
  };
}
