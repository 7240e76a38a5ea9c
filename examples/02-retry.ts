// SPDX-License-Identifier: Apache-2.0
// What happens to a message whose handling fails: it goes back to the broker and comes again, later each time.
import {
  ConsumeResult,
  concurrently,
  createConsumerActor,
  createProducer,
  shutdown,
  whenRunning,
} from '../src/index.ts';

const actor = createConsumerActor({
  consumerGroup: 'retrying',
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  maxReconsumeTimes: 3,
  subscriptions: [{ topic: 'payments' }],
  listener: concurrently(async ([message], context) => {
    console.log(`delivery ${context.attempt} of ${message.keys[0]}`);
    if (context.attempt === 1) throw new Error('the bank did not answer'); // the same as RECONSUME_LATER
    if (context.attempt === 2) return ConsumeResult.RECONSUME_LATER;
    return ConsumeResult.SUCCESS;
  }),
});
actor.on('message.retried', ({ msgId, attempt }) =>
  console.log(`${msgId} went back after delivery ${attempt}`),
);
actor.start();
await whenRunning(actor);

const producer = createProducer({ producerGroup: 'bank' });
await producer.start();
await producer.send({ topic: 'payments', body: 'transfer', keys: 'p-1' });
await producer.shutdown();

process.once('SIGINT', () => void shutdown(actor));
