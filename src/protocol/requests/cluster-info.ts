// SPDX-License-Identifier: Apache-2.0
/** Which brokers are there? Asked of a name server; the body is in bodies/cluster-info.ts. Source: DefaultRequestProcessor. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';

export const clusterInfo = defineRequest({ name: 'clusterInfo', code: RequestCode.GET_BROKER_CLUSTER_INFO });
