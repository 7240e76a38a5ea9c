// SPDX-License-Identifier: Apache-2.0
/** How are credentials read: an object, a function, or three environment variables? Their values are shown nowhere. */
import {
  type Credentials,
  type CredentialsProvider,
  checkCredentials,
  GivenCredentials,
} from '../model/credentials.ts';
import type { Kind } from './option.ts';
import type { Spot } from './report.ts';

const variables = {
  accessKey: 'ROCKETMQ_ACCESS_KEY',
  secretKey: 'ROCKETMQ_SECRET_KEY',
  securityToken: 'ROCKETMQ_SECURITY_TOKEN',
} as const;

const hint =
  'Write { accessKey, secretKey }, with securityToken for temporary ones, or a function that answers it.';

export const credentialsKind: Kind<Credentials | CredentialsProvider, GivenCredentials, 'none'> = {
  typeText: 'Credentials | CredentialsProvider',
  typeImports: {
    Credentials: '../model/credentials.ts',
    CredentialsProvider: '../model/credentials.ts',
  },
  unit: 'none',
  read: readCredentials,
  fromVariables: { names: Object.values(variables), read: readVariables },
  show: () => '(secret)',
};

function readCredentials(value: unknown, spot: Spot): GivenCredentials | undefined {
  if (typeof value === 'function') return new GivenCredentials(value as CredentialsProvider); // what it answers is looked at when it has
  const { credentials, problems } = checkCredentials(value);
  for (const { field, problem } of problems)
    (field === undefined ? spot : spot.inside(`.${field}`)).problem(problem, hint);
  return credentials && new GivenCredentials(credentials);
}

/** One of them without the others is a mistake, and said to be one. */
function readVariables(env: Readonly<Record<string, string | undefined>>): unknown {
  const set = Object.entries(variables).map(([field, name]) => [field, env[name] || undefined] as const);
  return set.every(([, value]) => value === undefined) ? undefined : Object.fromEntries(set);
}
