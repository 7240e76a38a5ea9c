// SPDX-License-Identifier: Apache-2.0
/** What does a trace say of a consumer that is followed? */
import { describe, expect, it } from 'vitest';
import { shutdown } from '../../../src/consumer/shutdown.ts';
import { queueNumber } from '../../support/builders.ts';
import { ConsumerKit, group } from '../../support/consumer-kit.ts';

/** All that was told, without the times. */
function toldIn({ trace }: ConsumerKit): readonly string[] {
  return trace.entries.flatMap(entry => {
    if (entry.kind !== 'mark') return [];
    if (entry.mark === 'decided') return `decided ${entry.queues.map(({ queueId }) => queueId).join(' ')}`;
    if (entry.mark === 'revoked') return `revoked ${entry.queue.queueId} ${entry.reason}`;
    if (entry.mark === 'corrected') return `corrected ${entry.queue.queueId} to ${entry.to}`;
    return entry.mark === 'stopping' ? `stopping ${entry.ms}` : entry.mark;
  });
}

describe('a consumer that is followed', () => {
  it('leaves in its trace what it decided, what it gave up, and that it stopped', async () => {
    const kit = await new ConsumerKit().start();
    kit.cluster.otherMembers.add('10.0.0.1@first');
    kit.cluster.tellMembersChanged(group);
    await kit.pass(1000);
    const stopped = shutdown(kit.actor, { timeout: 4000 });
    await kit.pass(200);
    await stopped;
    expect(toldIn(kit)).toEqual([
      ...['decided 0 1', 'decided 1', 'revoked 0 rebalance'],
      ...['stopping 4000', 'revoked 1 shutdown', 'ended'],
    ]);
  });

  it('leaves there that a seek was asked for, and where it led', async () => {
    const kit = new ConsumerKit();
    kit.cluster.store(queueNumber(0), 10);
    await kit.start();
    kit.actor.send({ type: 'queue.seek', queue: queueNumber(0), to: 7 });
    await kit.pass(200);
    kit.actor.stop();
    expect(toldIn(kit)).toEqual(['decided 0 1', 'sought', 'corrected 0 to 7']);
  });
});
