// SPDX-License-Identifier: Apache-2.0
/** Are credentials read from the argument and from three variables, and shown nowhere? */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/config/explain.ts';
import { parse, problemsOf } from './support.ts';

const given = { accessKey: 'ak', secretKey: 'canary', securityToken: 'canary-token' };
const variables = {
  ROCKETMQ_ACCESS_KEY: 'ak',
  ROCKETMQ_SECRET_KEY: 'canary',
  ROCKETMQ_SECURITY_TOKEN: 'canary-token',
};

describe('credentials', () => {
  it('are none by default', () => {
    expect(parse().credentials).toBeUndefined();
    expect(explain(parse())).toContain('none: requests are not signed');
  });

  it('are taken as an object, a function, or from the environment; the argument counts first', () => {
    const ask = () => given;
    expect(parse({ credentials: given }).credentials?.get()).toEqual(given);
    expect(parse({ credentials: ask }).credentials?.get()).toBe(ask);
    expect(parse({}, { env: variables }).credentials?.get()).toEqual(given);
    expect(parse({ credentials: ask }, { env: variables }).credentials?.get()).toBe(ask);
  });

  it('from the environment may do without a token; a variable that is empty counts as not set', () => {
    const env = { ...variables, ROCKETMQ_SECURITY_TOKEN: '' };
    expect(parse({}, { env }).credentials?.get()).toEqual({ accessKey: 'ak', secretKey: 'canary' });
    expect(parse({}, { env: { ROCKETMQ_ACCESS_KEY: '' } }).credentials).toBeUndefined();
  });

  it('are a copy: what the caller changes later changes nothing', () => {
    const mine = { ...given };
    const config = parse({ credentials: mine });
    mine.secretKey = 'other';
    expect(config.credentials?.get()).toEqual(given);
  });

  it.each<[string, unknown, readonly string[]]>([
    ['a text', 'canary', ['credentials']],
    ['an array', ['canary'], ['credentials']],
    ['without a secret', { accessKey: 'canary' }, ['credentials.secretKey']],
    ['with nothing in it', {}, ['credentials.accessKey', 'credentials.secretKey']],
    ['with a space at an end', { ...given, secretKey: 'canary ' }, ['credentials.secretKey']],
    ['with a token that is no text', { ...given, securityToken: 5 }, ['credentials.securityToken']],
  ])('are refused as %s, with every field named and no value shown', (_, credentials, options) => {
    const problems = problemsOf({ credentials });
    expect(problems.map(({ option }) => option)).toEqual(options);
    expect(JSON.stringify(problems)).not.toContain('canary');
  });

  it('half set in the environment are a mistake that names the variables', () => {
    const problems = problemsOf({}, { env: { ROCKETMQ_SECRET_KEY: 'canary' } });
    expect(problems).toMatchObject([{ option: 'credentials.accessKey' }]);
    expect(problems[0]?.problem).toContain('ROCKETMQ_ACCESS_KEY');
  });

  it('are shown by nothing', () => {
    for (const config of [parse({ credentials: given }), parse({}, { env: variables })]) {
      expect(inspect(config, { depth: 9, showHidden: true })).not.toContain('canary');
      expect(JSON.stringify(config) + explain(config) + String(config.credentials)).not.toContain('canary');
      expect(explain(config)).toMatch(/credentials +\(secret\)/);
    }
  });
});
