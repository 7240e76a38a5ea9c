// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { everything, subscriptionData } from '../../../src/model/subscription.ts';
import { ToldVersions } from '../../../src/subscriptions/told-versions.ts';

const orders = (version: number) => subscriptionData('orders', everything, version);

describe('the version a pull names', () => {
  it('is the one wanted, or the one its broker has accepted as long as that is older', () => {
    const told = new ToldVersions();
    told.note('a:1', [orders(5)]);
    told.note('b:1', [orders(7)]);
    expect(['a:1', 'b:1', 'c:1'].map(address => told.upTo(6, 'orders', address))).toEqual([5, 6, 6]);
    expect(told.upTo(6, 'bills', 'a:1')).toBe(0);
  });

  it('does not go back when an answer to an older heartbeat comes late', () => {
    const told = new ToldVersions();
    told.note('a:1', [orders(6)]);
    told.note('a:1', [orders(5)]);
    expect(told.upTo(6, 'orders', 'a:1')).toBe(6);
  });
});
