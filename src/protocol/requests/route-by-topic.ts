// SPDX-License-Identifier: Apache-2.0
/** Where does a topic live? Asked of a name server; the body is in bodies/route.ts. Source: GetRouteInfoRequestHeader. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';
import { bool, name, optional } from '../fields.ts';

export const routeByTopic = defineRequest({
  name: 'routeByTopic',
  code: RequestCode.GET_ROUTEINFO_BY_TOPIC,
  header: { topic: name, acceptStandardJsonOnly: optional(bool) },
  replies: { 0: 'found', 17: 'unknownTopic' },
});
