// SPDX-License-Identifier: Apache-2.0
/** How far is a group behind? The body is in bodies/consume-stats.ts. Source: GetConsumeStatsRequestHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { name, optional, text } from '../fields.ts';

export const consumeStats = defineRequest({
  name: 'consumeStats',
  code: RequestCode.GET_CONSUME_STATS,
  header: {
    consumerGroup: name,
    topic: optional(name),
    /** Topics with `;` between, 5.3.2+. */
    topicList: optional(text),
  },
});
