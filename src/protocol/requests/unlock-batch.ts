// SPDX-License-Identifier: Apache-2.0
/** How are queue locks given back? The body is in bodies/lock.ts. Source: AdminBrokerProcessor.unlockBatchMQ. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';

export const unlockBatch = defineRequest({ name: 'unlockBatch', code: RequestCode.UNLOCK_BATCH_MQ });
