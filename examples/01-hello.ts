// SPDX-License-Identifier: Apache-2.0
// The shortest useful consumer: reads a topic until Ctrl-C, then stops in order.
//   npm run rocketmq -- --topic orders:8      in another terminal; it prints the address
//   ROCKETMQ_NAMESRV_ADDR=127.0.0.1:9876 npx tsx examples/01-hello.ts
import { createConsumerActor, shutdown, simple, whenRunning } from '../src/index.ts';

const actor = createConsumerActor({
  consumerGroup: 'hello',
  subscriptions: [{ topic: 'orders' }],
  listener: simple(async message => {
    console.log(`${message.topic}-${message.queueId}:${message.queueOffset}`, message.body.toString());
  }),
});
actor.on('consumer.stateChanged', ({ from, to }) => console.log(`${from} → ${to}`));
actor.on('fault', ({ error }) => console.error(`${error.code}: ${error.message}\n  ${error.hint}`));
actor.start();
await whenRunning(actor);

process.once('SIGINT', () => {
  void shutdown(actor).then(report => console.log(report.clean ? 'stopped cleanly' : report));
});
