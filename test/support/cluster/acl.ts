// SPDX-License-Identifier: Apache-2.0
// How a broker of a test is made to check who asks: ACL 2.0 of 5.x (users and rights by requests), 1.0 of 4.9 (a file).

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RawAdmin } from './raw-admin.ts';
import type { RawCredentials } from './raw-signature.ts';

export type Right = 'Pub' | 'Sub' | 'Get';

export interface AclUser extends RawCredentials {
  /** name → rights; what is not named is forbidden. */
  readonly topics?: Readonly<Record<string, readonly Right[]>>;
  readonly groups?: Readonly<Record<string, readonly Right[]>>;
}

export interface ClusterAcl {
  /** May do everything; the brokers themselves and the witness use it. Both at least 7 characters (4.9). */
  readonly admin: RawCredentials;
  readonly users: readonly AclUser[];
}

const codes = { createUser: 3001, createAcl: 3006 } as const;

/** What a broker.conf says more. */
export function aclProperties({ admin }: ClusterAcl, isVersion4: boolean): Record<string, string> {
  if (isVersion4) return { aclEnable: 'true' };
  const { accessKey, secretKey } = admin;
  const provider = 'org.apache.rocketmq.auth';
  return {
    authenticationEnabled: 'true',
    authenticationProvider: `${provider}.authentication.provider.DefaultAuthenticationProvider`,
    authenticationMetadataProvider: `${provider}.authentication.provider.LocalAuthenticationMetadataProvider`,
    initAuthenticationUser: JSON.stringify({ username: accessKey, password: secretKey }),
    innerClientAuthenticationCredentials: JSON.stringify({ accessKey, secretKey }),
    authorizationEnabled: 'true',
    authorizationProvider: `${provider}.authorization.provider.DefaultAuthorizationProvider`,
    authorizationMetadataProvider: `${provider}.authorization.provider.LocalAuthorizationMetadataProvider`,
  };
}

/** The accounts of a 4.9 broker, read at its start. */
export function writeAccounts(home: string, { admin, users }: ClusterAcl): void {
  const account = ({ accessKey, secretKey, topics = {}, groups = {} }: AclUser): string[] => [
    `- accessKey: ${accessKey}`,
    `  secretKey: ${secretKey}`,
    '  admin: false',
    '  defaultTopicPerm: DENY',
    '  defaultGroupPerm: DENY',
    '  topicPerms:',
    ...Object.entries(topics).map(([name, rights]) => `  - ${name}=${permOf(rights)}`),
    '  groupPerms:',
    ...Object.entries(groups).map(([name, rights]) => `  - ${name}=${permOf(rights)}`),
  ];
  const lines = [
    'accounts:',
    `- accessKey: ${admin.accessKey}`,
    `  secretKey: ${admin.secretKey}`,
    '  admin: true',
    ...users.flatMap(account),
  ];
  mkdirSync(join(home, 'conf'), { recursive: true });
  writeFileSync(join(home, 'conf', 'plain_acl.yml'), `${lines.join('\n')}\n`);
}

/** Of 1.0, which knows no GET. */
function permOf(rights: readonly Right[]): string {
  return rights
    .filter(right => right !== 'Get')
    .map(right => right.toUpperCase())
    .join('|');
}

/** The users of a 5.x broker. */
export async function createUsers(admin: RawAdmin, broker: string, users: readonly AclUser[]): Promise<void> {
  for (const user of users) {
    const { accessKey: username, secretKey: password } = user;
    const body = { username, password, userType: 'Normal', userStatus: 'enable' };
    await admin.must(broker, {
      code: codes.createUser,
      fields: { username },
      body: Buffer.from(JSON.stringify(body)),
    });
    await createAcl(admin, broker, user);
  }
}

async function createAcl(admin: RawAdmin, broker: string, user: AclUser): Promise<void> {
  const subject = `User:${user.accessKey}`;
  const entry = (type: string, [name, actions]: readonly [string, readonly Right[]]) => ({
    resource: `${type}:${name}`,
    actions,
    sourceIps: [],
    decision: 'Allow',
  });
  const entries = [
    ...Object.entries(user.topics ?? {}).map(each => entry('Topic', each)),
    ...Object.entries(user.groups ?? {}).map(each => entry('Group', each)),
  ];
  if (entries.length === 0) return;
  const body = { subject, policies: [{ policyType: 'Custom', entries }] };
  await admin.must(broker, {
    code: codes.createAcl,
    fields: { subject },
    body: Buffer.from(JSON.stringify(body)),
  });
}
