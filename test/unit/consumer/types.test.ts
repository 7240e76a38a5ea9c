// SPDX-License-Identifier: Apache-2.0
/** Which mistakes does the compiler find? */
import { expectTypeOf, it } from 'vitest';
import type { AssignedQueue, Consumer, MessageQueue, QueueChoice } from '../../../src/index.ts';

it('a queue is not a choice: by its topic it would pause all queues of it', () => {
  expectTypeOf<MessageQueue>().not.toExtend<QueueChoice>();
  expectTypeOf<{ readonly queue: MessageQueue }>().toExtend<QueueChoice>();
  expectTypeOf<{ readonly topic: string }>().toExtend<QueueChoice>();
  expectTypeOf<AssignedQueue>().toExtend<Parameters<Consumer['pause']>[0]>();
});
