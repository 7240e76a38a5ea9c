// SPDX-License-Identifier: Apache-2.0
// Order by key: what happens to one account is handled in the order it was sent, different accounts side by side.
//   npm run rocketmq -- --topic transfers:8   in another terminal; it prints the address
//   ROCKETMQ_NAMESRV_ADDR=127.0.0.1:9876 npx tsx examples/04-orderly.ts
import {
  createConsumerActor,
  createProducer,
  OrderlyResult,
  orderly,
  shutdown,
  whenRunning,
} from '../src/index.ts';

const balances = new Map<string, number>();

const actor = createConsumerActor({
  consumerGroup: 'accounts',
  consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
  orderBy: 'shardingKey',
  maxReconsumeTimes: 3,
  subscriptions: [{ topic: 'transfers' }],
  listener: orderly(async ([message], context) => {
    const account = message.getProperty('__SHARDINGKEY') ?? '';
    const balance = (balances.get(account) ?? 0) + Number(message.body.toString());
    if (balance < 0) {
      context.suspendTimeMillis = 200; // this account waits, the others go on; after three more tries: dead letter
      return OrderlyResult.SUSPEND_CURRENT_QUEUE_A_MOMENT;
    }
    balances.set(account, balance);
    console.log(`${account} has ${balance}`);
    return OrderlyResult.SUCCESS;
  }),
  onQueuesRevoked: (queues, { reason }) => console.log(`${queues.length} queues go: ${reason}`),
});
actor.on('message.deadLettered', ({ msgId, reason }) => console.log(`${msgId} is a dead letter: ${reason}`));
actor.start();
await whenRunning(actor);

const producer = createProducer({ producerGroup: 'bank' });
await producer.start();
for (const amount of ['10', '-3', '-20', '5']) {
  for (const account of ['alice', 'bob'])
    await producer.sendOrderly({ topic: 'transfers', body: amount }, account);
}
await producer.shutdown();

process.once('SIGINT', () => void shutdown(actor));
