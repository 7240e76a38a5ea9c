// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { firstAddress, systemSources } from '../../../src/config/sources.ts';

describe('the sources of a config', () => {
  it('are this process, unless given', () => {
    const sources = systemSources({ pid: 1 });
    expect(sources.pid).toBe(1);
    expect(sources.env).toBe(process.env);
    expect(sources.random()).toBeGreaterThanOrEqual(0);
  });

  it('take the first IPv4 address that is not the loopback', () => {
    const loopback = { address: '127.0.0.1', family: 'IPv4', internal: true };
    const v6 = { address: 'fe80::1', family: 'IPv6', internal: false };
    const lan = { address: '192.168.0.2', family: 'IPv4', internal: false };
    expect(firstAddress({ lo: [loopback], eth0: [v6, lan], gone: undefined })).toBe('192.168.0.2');
    expect(firstAddress({ lo: [loopback], eth0: [v6] })).toBeUndefined();
  });
});
