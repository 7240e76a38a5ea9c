// SPDX-License-Identifier: Apache-2.0
/** How are queues locked for one member? The bodies are in bodies/lock.ts. Source: AdminBrokerProcessor.lockBatchMQ. */
import { RequestCode } from '../codes.ts';
import { defineRequest } from '../define-request.ts';

/** A lock lives 60 s; success is answered even when none was granted. protocol.md section 7.4. */
export const lockBatch = defineRequest({ name: 'lockBatch', code: RequestCode.LOCK_BATCH_MQ });
