// SPDX-License-Identifier: Apache-2.0
/** How is a consumer group made or changed? The body is in bodies/subscription-group.ts. Source: AdminBrokerProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';

export const createSubscriptionGroup = defineRequest({
  name: 'createSubscriptionGroup',
  code: RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
});
