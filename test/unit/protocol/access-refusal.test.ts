// SPDX-License-Identifier: Apache-2.0
/** Is it said what is missing, in each of the words that real brokers have for it? */
import { describe, expect, it } from 'vitest';
import { accessRefusalOf } from '../../../src/protocol/access-refusal.ts';
import { errorOfResponse } from '../../../src/protocol/response-error.ts';

const thrown = 'org.apache.rocketmq.acl.common.AclException: ';
const at = (line: number): string =>
  `, org.apache.rocketmq.acl.plain.PlainPermissionManager.validate(PlainPermissionManager.java:${line})`;

/** As 5.4.0 and 4.9.7 answered. */
const answers = [
  [16, 'check signature failed.', 'RMQ_AUTHENTICATION_FAILED', 'the secret key does not fit the access key'],
  [16, 'username cannot be null.', 'RMQ_AUTHENTICATION_FAILED', 'no credentials were given'],
  [
    16,
    'User:canary is not found.',
    'RMQ_AUTHENTICATION_FAILED',
    'the broker knows no user of this access key',
  ],
  [
    16,
    'User:canary has no permission to access Topic:orders from 127.0.0.1, no matched policies.',
    'RMQ_TOPIC_FORBIDDEN',
    'no right on topic orders',
  ],
  [
    16,
    'User:canary has no permission to access Group:billing from 127.0.0.1, no matched policies.',
    'RMQ_GROUP_FORBIDDEN',
    'no right on group billing',
  ],
  [
    1,
    `${thrown}No accessKey is configured${at(663)}`,
    'RMQ_AUTHENTICATION_FAILED',
    'no credentials were given',
  ],
  [
    1,
    `${thrown}No acl config for canary${at(667)}`,
    'RMQ_AUTHENTICATION_FAILED',
    'the broker knows no user of this access key',
  ],
  [
    1,
    `${thrown}Check signature failed for accessKey=canary${at(683)}`,
    'RMQ_AUTHENTICATION_FAILED',
    'the secret key does not fit the access key',
  ],
  [
    1,
    `${thrown}No default permission for topic:orders${at(605)}`,
    'RMQ_TOPIC_FORBIDDEN',
    'no right on topic orders',
  ],
  [
    1,
    `${thrown}No default permission for group:billing${at(605)}`,
    'RMQ_GROUP_FORBIDDEN',
    'no right on group billing',
  ],
] as const;

describe('a refusal', () => {
  it.each(answers)('with %i %s is %s', (code, remark, expected, missing) => {
    const error = errorOfResponse('heartbeat to a:1', { code, remark }, 'a:1');
    expect(error).toMatchObject({ code: expected, kind: 'security', retry: 'never', responseCode: code });
    expect(error.message).toContain(missing);
  });

  it.each(answers)('with %i %s does not name the user', (code, remark) => {
    const error = errorOfResponse('heartbeat to a:1', { code, remark }, 'a:1');
    expect(`${error.message} ${error.remark} ${JSON.stringify(error.context)}`).not.toContain('canary');
  });

  it('names topic and group for programs', () => {
    const said = (resource: string) =>
      accessRefusalOf({ code: 16, remark: `User:x has no permission to access ${resource} from 10.0.0.1, …` })
        ?.context;
    expect([said('Topic:orders'), said('Group:billing')]).toEqual([
      { topic: 'orders' },
      { group: 'billing' },
    ]);
  });

  it('in unknown words is one without a name', () => {
    expect(accessRefusalOf({ code: 16, remark: undefined })).toMatchObject({ code: 'RMQ_NO_PERMISSION' });
    expect(accessRefusalOf({ code: 1, remark: `${thrown}something new` })).toMatchObject({
      code: 'RMQ_NO_PERMISSION',
    });
  });

  it.each([
    [0, 'check signature failed.'],
    [1, 'check signature failed.'],
    [17, 'No default permission for topic:orders'],
  ])('is not seen in a %i that says %s', (code, remark) => {
    expect(accessRefusalOf({ code, remark })).toBeUndefined();
  });
});
