// SPDX-License-Identifier: Apache-2.0
/** How does a client tell a broker that it is there? The body is in bodies/heartbeat.ts. Source: ClientManageProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bool, optional } from '../fields.ts';

/** The answer's fields are for heartbeat V2 (5.1.4+); 4.9 sends none. protocol.md section 5.3. */
export const heartbeat = defineRequest({
  name: 'heartbeat',
  code: RequestCode.HEART_BEAT,
  reply: { IS_SUPPORT_HEART_BEAT_V2: optional(bool), IS_SUB_CHANGE: optional(bool) },
});
