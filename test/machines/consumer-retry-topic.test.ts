// SPDX-License-Identifier: Apache-2.0
/** How soon is the retry topic found that a broker makes at a group's first failure? */
import { expect, it } from 'vitest';
import { RequestCode } from '../../src/protocol/codes.ts';
import { deferred, queueNumber } from '../support/builders.ts';
import { ConsumerKit, group } from '../support/consumer-kit.ts';

const retryTopic = `%RETRY%${group}`;

function timesAsked(kit: ConsumerKit): readonly number[] {
  return kit.cluster.asked
    .filter(
      ({ code, fields }) => code === RequestCode.GET_ROUTEINFO_BY_TOPIC && fields['topic'] === retryTopic,
    )
    .map(({ at }) => at);
}

it('is within a second or two of the failure, however long it was unknown before', async () => {
  const hand = deferred<undefined>();
  const kit = await new ConsumerKit({ listener: () => hand.promise }).start();
  kit.cluster.store(queueNumber(0), 1);
  await kit.pass(20_000); // asked for at growing intervals meanwhile
  const before = timesAsked(kit).length;
  const failedAt = kit.clock.now();
  kit.cluster.topics.set(retryTopic, 1);
  hand.reject(new Error('not today'));
  await kit.until(() => kit.all('message.retried').length > 0);
  await kit.pass(2000);
  const [first = Number.POSITIVE_INFINITY] = timesAsked(kit).slice(before);
  expect(first - failedAt).toBeLessThan(1500);
  kit.actor.stop();
});
