// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { explain, explainRows, showValue } from '../../../src/config/explain.ts';
import { optionTable } from '../../../src/config/options.ts';
import { concurrently } from '../../../src/listeners/listener.ts';
import { tag } from '../../../src/model/subscription.ts';
import { parse } from './support.ts';

describe('explain', () => {
  const config = parse(
    {
      consumeThreadMax: 8,
      consumerTimeoutMillisWhenSuspend: 10_000,
      subscriptions: [{ topic: 'orders', selector: tag('paid') }],
      listener: concurrently(() => undefined),
      revokeTimeout: 10,
      maxFrameSize: 4,
    },
    { env: { ROCKETMQ_PULL_BATCH_SIZE: '16' } },
  );
  const rows = new Map(explainRows(config).map(({ option, value, from }) => [option, `${value} | ${from}`]));

  it('has one row for each option of the table, in its order', () => {
    expect([...rows.keys()]).toEqual(Object.keys(optionTable));
  });

  it('shows value, unit and who set it', () => {
    expect(rows.get('consumeConcurrency')).toBe('8 | argument consumeThreadMax');
    expect(rows.get('pullBatchSize')).toBe('16 | environment ROCKETMQ_PULL_BATCH_SIZE');
    expect(rows.get('brokerSuspendMaxTimeMillis')).toBe(
      '4000 ms | lowered to fit consumerTimeoutMillisWhenSuspend',
    );
    expect(rows.get('maxFrameSize')).toBe('4 MiB | argument');
    expect(rows.get('startTimeout')).toBe('15000 ms | default');
    expect(rows.get('subscriptions')).toBe('orders (paid) | argument');
    expect(rows.get('listener')).toBe('concurrently | argument');
    expect(rows.get('allocateStrategy')).toBe('AVG | default');
    expect(rows.get('unitName')).toBe('none | default');
    expect(rows.get('consumeTimestamp')).toBe('2026-11-22T11:30:00.000Z | default');
  });

  it('starts the text with the client id and ends it with the warnings', () => {
    const lines = explain(config).split('\n');
    expect(lines[0]).toBe('client id 10.1.2.3@4711#00c0ffee');
    expect(lines[1]).toMatch(/^consumerGroup +billing +argument$/);
    expect(lines.at(-1)).toBe(
      'warning: revokeTimeout: 10 ms is very short (Durations are in ms: 10 s is 10000.)',
    );
  });

  it('never shows a secret', () => {
    const row = { ...optionTable.instanceName, secret: true } as const;
    expect(showValue(row, 'hunter2')).toBe('(secret)');
  });
});
