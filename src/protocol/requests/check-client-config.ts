// SPDX-License-Identifier: Apache-2.0
/** Would the broker accept this selector? The body is in bodies/check-client-config.ts. Source: ClientManageProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';

/** A tag expression is always answered 0, SQL92 with 1 where it is switched off. */
export const checkClientConfig = defineRequest({
  name: 'checkClientConfig',
  code: RequestCode.CHECK_CLIENT_CONFIG,
  replies: { 0: 'accepted', 23: 'unparsable' },
});
