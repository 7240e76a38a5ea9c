// SPDX-License-Identifier: Apache-2.0
/** How is `tls` read, and is nothing of it ever shown? */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/config/explain.ts';
import { parse, problemsOf } from './support.ts';

const settings = { ca: 'CA', cert: 'CERT', key: 'canary-key', passphrase: 'canary-passphrase' };

function sourceOf(tls: unknown) {
  const { tls: read } = parse({ tls });
  return read === 'off' ? read : read('broker:10911');
}

describe('tls', () => {
  it('is off, on, an object, or a function of the address', () => {
    expect(sourceOf(undefined)).toBe('off');
    expect(sourceOf(false)).toBe('off');
    expect(sourceOf(true)).toBe(true);
    expect(sourceOf(settings)).toEqual(settings);
    expect(sourceOf((address: string) => ({ servername: address }))).toEqual({ servername: 'broker:10911' });
  });

  it('keeps what it was given, whatever becomes of the object', () => {
    const given = { servername: 'a' };
    const { tls } = parse({ tls: given });
    given.servername = 'b';
    expect(tls === 'off' ? undefined : tls('x:1')).toEqual({ servername: 'a' });
  });

  it.each([
    [null, 'it is neither true nor an object of settings'],
    ['canary-key', 'it is neither true nor an object of settings'],
    [{ ...settings, secret: 'canary-key' }, 'there is no setting "secret"'],
    [{ ca: 7 }, 'ca is neither text nor bytes'],
    [{ ca: ['CA', 7] }, 'ca is neither text nor bytes'],
    [{ cert: 'CERT', key: ['canary-key'] }, 'key is neither text nor bytes'],
    [{ key: 'canary-key' }, 'cert and key go together, and one is missing'],
    [{ passphrase: 7 }, 'passphrase is no text'],
    [{ rejectUnauthorized: 'no' }, 'rejectUnauthorized is neither true nor false'],
  ])('refuses %o without showing it', (tls, problem) => {
    const problems = problemsOf({ tls });
    expect(problems).toMatchObject([{ option: 'tls', problem }]);
    expect(JSON.stringify(problems)).not.toContain('canary');
  });

  it('warns where any certificate is accepted', () => {
    expect(parse({ tls: { rejectUnauthorized: false } }).warnings).toMatchObject([{ option: 'tls' }]);
  });

  it('shows nothing of its settings', () => {
    const config = parse({ tls: settings });
    const shown = [explain(config), JSON.stringify(config), inspect(config, { depth: 20, showHidden: true })];
    expect(shown.join('\n')).not.toContain('canary');
    expect(explain(config)).toMatch(/^tls +on +argument$/m);
  });
});
