// SPDX-License-Identifier: Apache-2.0
// No listener: the messages are read in a loop, in your own time. Leave the loop and what you did not ack comes again.
//   npm run rocketmq -- --topic orders:8      in another terminal; it prints the address
//   ROCKETMQ_NAMESRV_ADDR=127.0.0.1:9876 npx tsx examples/05-messages.ts
import { createConsumer, createProducer } from '../src/index.ts';

await using consumer = createConsumer({
  consumerGroup: 'reader',
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  consumeConcurrency: 16, // at most so many messages are with the loop and not acked
  subscriptions: [{ topic: 'orders' }],
});
consumer.on('fault', ({ error }) => console.error(`${error.code}: ${error.message}\n  ${error.hint}`));
await consumer.start();

await using producer = createProducer({ producerGroup: 'shop' });
await producer.start();
await producer.sendBatch(Array.from({ length: 20 }, (_, i) => ({ topic: 'orders', body: `order ${i}` })));

let booked = 0;
for await (const message of consumer.messages({ signal: AbortSignal.timeout(60_000) })) {
  if (message.attempt === 1 && message.body.equals(Buffer.from('order 3'))) {
    message.retry(); // not now: it comes again in 10 s
    continue;
  }
  console.log(`${++booked}: ${message.body.toString()} (delivery ${message.attempt})`);
  message.ack(); // its offset may be committed
  if (booked === 20) break; // consumer.messages() goes on from here later
}
console.log(consumer.getStats());
