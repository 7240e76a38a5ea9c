// SPDX-License-Identifier: Apache-2.0
// A running consumer is steered: topics come and go, queues are paused, moved back and committed.
//   npm run rocketmq -- --topic orders:8 --topic refunds:4     in another terminal; it prints the address
//   ROCKETMQ_NAMESRV_ADDR=127.0.0.1:9876 npx tsx examples/06-control.ts
import { createConsumer, RocketmqError, simple, tag } from '../src/index.ts';

await using consumer = createConsumer(
  { consumerGroup: 'steered', subscriptions: [{ topic: 'orders', selector: tag('paid') }] },
  simple(async message => console.log(message.topic, message.tags, message.body.toString())),
);
consumer.on('offset.corrected', ({ queue, from, to, reason }) =>
  console.log(`${queue.topic}-${queue.queueId}: ${from} → ${to} (${reason})`),
);
await consumer.start();

await consumer.subscribe('refunds'); // consumed when the promise resolves
await consumer.updateSelector('orders', tag('paid || shipped')); // the brokers of the topic know it by then

await consumer.pause({ topic: 'refunds' }); // nothing of it is pulled or delivered; the rest goes on
await consumer.resume({ topic: 'refunds' });

await consumer.resetOffset(Date.now() - 3_600_000, 'orders'); // the last hour once more
const first = consumer.getAssignedQueues().find(({ queue }) => queue.topic === 'orders');
if (first !== undefined) {
  await consumer.seek(first.queue, 'begin');
  await consumer.commit(first.queue); // what is done is at the broker when this resolves
  try {
    await consumer.seek(first.queue, 1_000_000_000);
  } catch (error) {
    if (error instanceof RocketmqError) console.log(error.code, error.message); // RMQ_OFFSET_OUT_OF_RANGE, with the bounds
  }
}

console.log(consumer.health(), consumer.getStats());
await consumer.unsubscribe('refunds'); // committed and let go
