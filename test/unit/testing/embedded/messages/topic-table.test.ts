// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { TopicTable } from '../../../../../src/testing/embedded/messages/topic-table.ts';

function aTable(autoCreateTopicEnable = true) {
  const events: string[] = [];
  const table = new TopicTable({
    autoCreateTopicEnable,
    defaultTopicQueueNums: 8,
    delayLevels: 18,
    onChanged: () => events.push('changed'),
    onRemoved: topic => events.push(`removed ${topic}`),
  });
  return { table, events };
}

describe('the topics of a broker', () => {
  it('begin with the template for new ones and the one where delayed messages wait', () => {
    const { table } = aTable();
    expect(table.get('TBW102')).toEqual({ topic: 'TBW102', readQueueNums: 8, writeQueueNums: 8, perm: 7 });
    expect(table.get('SCHEDULE_TOPIC_XXXX')?.readQueueNums).toBe(18);
  });

  it('have no template when topics are not made by sends', () => {
    const { table } = aTable(false);
    expect(table.names()).toEqual(['SCHEDULE_TOPIC_XXXX']);
    expect(table.ensureBySend('orders', 'TBW102', 4)).toBeUndefined();
  });

  it('are made and changed by set, and only a change is told', () => {
    const { table, events } = aTable();
    table.set('orders', { queues: 4 });
    table.set('orders', { queues: 4 });
    table.set('orders', { queues: 8, readQueues: 4 });
    table.set('orders', { queues: 8, readQueues: 4, perm: 4 });
    expect(table.set('orders', { queues: 6 })).toEqual({
      topic: 'orders',
      readQueueNums: 6,
      writeQueueNums: 6,
      perm: 4,
    });
    expect(events).toEqual(['changed', 'changed', 'changed', 'changed']);
  });

  it('made by a send get what the producer wants, at most what the template has, and do not hand it on', () => {
    const { table } = aTable();
    expect(table.ensureBySend('few', 'TBW102', 2)).toEqual({
      topic: 'few',
      readQueueNums: 2,
      writeQueueNums: 2,
      perm: 6,
    });
    expect(table.ensureBySend('many', 'TBW102', 100)?.writeQueueNums).toBe(8);
    expect(table.ensureBySend('other', 'few', 2)).toBeUndefined();
    expect(table.ensureBySend('few', 'TBW102', 7)?.writeQueueNums).toBe(2);
  });

  it('are removed once, and that is told', () => {
    const { table, events } = aTable();
    table.set('orders', { queues: 4 });
    table.remove('orders');
    table.remove('orders');
    expect(table.get('orders')).toBeUndefined();
    expect(events).toEqual(['changed', 'removed orders', 'changed']);
  });
});
