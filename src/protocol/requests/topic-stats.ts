// SPDX-License-Identifier: Apache-2.0
/** Which offsets do a topic's queues hold? The body is in bodies/topic-stats.ts. Source: GetTopicStatsInfoRequestHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { name } from '../fields.ts';

export const topicStats = defineRequest({
  name: 'topicStats',
  code: RequestCode.GET_TOPIC_STATS_INFO,
  header: { topic: name },
});
