// SPDX-License-Identifier: Apache-2.0
/** Bugs by which other clients kept what they should have let go: does any of them happen here? docs/peer-bugs.md. */
import { expect, it } from 'vitest';
import { shutdown } from '../../src/consumer/shutdown.ts';
import { whenRunning } from '../../src/consumer/when-running.ts';
import { RequestCode, ResponseCode } from '../../src/protocol/codes.ts';
import { ConsumerKit, nothingLeft } from '../support/consumer-kit.ts';

const minute = 60_000;

async function stopped(kit: ConsumerKit): Promise<void> {
  const stopping = shutdown(kit.actor);
  await kit.until(() => kit.actor.getSnapshot().status !== 'active');
  await stopping;
  await kit.settle();
}

it('rocketmq-client-go#614, #741, #285: consumers that start without a message and stop, one after the other, leave nothing', async () => {
  for (let round = 0; round < 20; round += 1) {
    const kit = await new ConsumerKit().start();
    await kit.pass(3000, 500);
    await stopped(kit);
    expect(kit.leftovers).toEqual(nothingLeft);
  }
});

it('rocketmq-client-go#561, #580: members that come and go every second leave nothing with a member that stays', async () => {
  const kit = await new ConsumerKit({ config: { handover: 'none' } }).start();
  const other = '10.0.0.99@other';
  await kit.pass(minute, 500);
  const before = kit.leftovers;
  for (let round = 0; round < 50; round += 1) {
    kit.cluster.otherMembers.add(other);
    kit.cluster.tellMembersChanged('billing');
    await kit.pass(500);
    kit.cluster.otherMembers.delete(other);
    kit.cluster.tellMembersChanged('billing');
    await kit.pass(500);
  }
  await kit.pass(minute, 500); // pulls that were abandoned are still held by the broker
  expect(kit.all('queue.revoked').length).toBeGreaterThan(10);
  const { timers, ...others } = kit.leftovers;
  expect(others).toEqual({ sockets: before.sockets, children: before.children });
  expect(timers - before.timers).toBeLessThanOrEqual(2); // some rest now and then
  await stopped(kit);
  expect(kit.leftovers).toEqual(nothingLeft);
});

it('rocketmq-client-go#884: a consumer whose topic does not exist leaves nothing when it is stopped', async () => {
  const kit = await new ConsumerKit({ cluster: { topics: {} } }).start();
  await kit.pass(5000);
  expect(kit.faults.map(({ error }) => error.code)).toContain('RMQ_TOPIC_NOT_FOUND');
  await stopped(kit);
  expect(kit.leftovers).toEqual(nothingLeft);
});

it('rocketmq-client-go#1147: consumers whose start is refused, because the group does not exist, leave nothing', async () => {
  for (let round = 0; round < 10; round += 1) {
    const kit = new ConsumerKit();
    kit.cluster.on(RequestCode.HEART_BEAT, () => ({
      code: ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      remark: 'subscription group not exist',
    }));
    kit.actor.start();
    const refused = expect(whenRunning(kit.actor)).rejects.toThrow();
    await kit.until(() => kit.actor.getSnapshot().status !== 'active');
    await refused;
    expect(kit.leftovers).toEqual(nothingLeft);
  }
});

it('apache/rocketmq#9737, #5866: a broker that refuses every connection for ten minutes costs no more at the end than at the beginning', async () => {
  const kit = await new ConsumerKit().start();
  kit.cluster.manner('broker-a:10911', 'refusing');
  kit.cluster.cut('broker-a:10911');
  await kit.pass(minute, 200);
  const early = { ...kit.leftovers, timers: undefined };
  const dials = kit.cluster.dials.length;
  await kit.pass(9 * minute, 200);
  expect({ ...kit.leftovers, timers: undefined }).toEqual(early);
  expect(kit.leftovers.timers).toBeLessThan(30);
  expect(kit.cluster.dials.length - dials).toBeLessThan(120);
  await stopped(kit);
  expect(kit.leftovers).toEqual(nothingLeft);
});

it('ali-ons#41: a consumer that gets nothing for an hour holds what it held after a minute', async () => {
  const kit = await new ConsumerKit().start();
  await kit.pass(minute, 200);
  const early = kit.leftovers;
  await kit.pass(60 * minute, 1000);
  expect(kit.leftovers.children).toEqual(early.children);
  expect(kit.leftovers.sockets).toBe(early.sockets);
  expect(Math.abs(kit.leftovers.timers - early.timers)).toBeLessThanOrEqual(2); // some rest now and then
  await stopped(kit);
  expect(kit.leftovers).toEqual(nothingLeft);
});
