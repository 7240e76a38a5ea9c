// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { OffsetTable } from '../../../../../src/testing/embedded/messages/offset-table.ts';

describe('the offsets of groups', () => {
  it('are kept by group, topic and queue; going back is allowed', () => {
    const table = new OffsetTable();
    table.commit('billing', 'orders', 0, 7);
    table.commit('billing', 'orders', 1, 3);
    table.commit('billing', 'refunds', 0, 1);
    table.commit('audit', 'orders', 0, 9);
    table.commit('billing', 'orders', 0, 5);
    expect(table.committed('billing', 'orders', 0)).toBe(5);
    expect(table.committed('billing', 'orders', 1)).toBe(3);
    expect(table.committed('audit', 'orders', 0)).toBe(9);
    expect(table.committed('audit', 'orders', 1)).toBeUndefined();
    expect(table.groups()).toEqual(['billing', 'audit']);
    expect(table.topics('billing')).toEqual(['orders', 'refunds']);
    expect(table.topics('nobody')).toEqual([]);
  });

  it('that were reset are told once, and hold for a group that never asks', () => {
    const table = new OffsetTable();
    table.reset('billing', 'orders', 0, 2);
    expect(table.committed('billing', 'orders', 0)).toBe(2);
    expect(table.pendingReset('billing', 'orders', 0)).toBe(2);
    expect(table.takeReset('billing', 'orders', 0)).toBe(2);
    expect(table.takeReset('billing', 'orders', 0)).toBeUndefined();
    expect(table.takeReset('nobody', 'orders', 0)).toBeUndefined();
  });

  it('go with their topic, and a group without any is no longer listed', () => {
    const table = new OffsetTable();
    table.reset('billing', 'orders', 0, 2);
    table.notePull('billing', 'orders', 0, 4);
    table.commit('audit', 'orders', 0, 9);
    table.commit('audit', 'refunds', 0, 1);
    table.forgetTopic('orders');
    expect(table.groups()).toEqual(['audit']);
    expect(table.topics('audit')).toEqual(['refunds']);
    expect(table.pendingReset('billing', 'orders', 0)).toBeUndefined();
    expect(table.pulled('billing', 'orders', 0)).toBeUndefined();
  });

  it('say how far was pulled apart from what was committed', () => {
    const table = new OffsetTable();
    table.notePull('billing', 'orders', 0, 5);
    table.commit('billing', 'orders', 0, 3);
    expect(table.pulled('billing', 'orders', 0)).toBe(5);
    expect(table.pulled('billing', 'orders', 1)).toBeUndefined();
    expect(table.pulled('audit', 'orders', 0)).toBeUndefined();
    table.forgetPulls();
    expect([table.pulled('billing', 'orders', 0), table.committed('billing', 'orders', 0)]).toEqual([
      undefined,
      3,
    ]);
  });
});
