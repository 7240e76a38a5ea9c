// SPDX-License-Identifier: Apache-2.0
/** Which requests do admin tools send that no consumer does? Source: RequestCode, MQClientAPIImpl, AdminBrokerProcessor of 5.x. */
import { defineRequest } from '../../../protocol/define-request.ts';
import { text } from '../../../protocol/fields.ts';

/** Changes a broker's properties; this broker has none and only says yes. Source: AdminBrokerProcessor.updateBrokerConfig. */
export const updateBrokerConfig = defineRequest({ name: 'updateBrokerConfig', code: 25 });

/** What clusterList shows of a broker: a map of texts. Source: AdminBrokerProcessor.prepareRuntimeInfo. */
export const runtimeInfo = defineRequest({ name: 'runtimeInfo', code: 28 });

/** Source: DeleteTopicRequestHeader. */
export const deleteTopic = defineRequest({ name: 'deleteTopic', code: 215, header: { topic: text } });

/** Source: DeleteTopicFromNamesrvRequestHeader. */
export const deleteTopicInNameServer = defineRequest({
  name: 'deleteTopicInNameServer',
  code: 216,
  header: { topic: text },
});

/** One topic as it is set up on a broker; consumerProgress asks it. Source: GetTopicConfigRequestHeader. */
export const topicConfig = defineRequest({ name: 'topicConfig', code: 351, header: { topic: text } });
