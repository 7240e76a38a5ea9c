// SPDX-License-Identifier: Apache-2.0
/** Is a start that may not be refused at once, naming what is missing, and is nothing tried again and again? */
import { setTimeout as pause } from 'node:timers/promises';
import type { ConsumerConfig, Credentials, ErrorCode } from '../../../src/index.ts';
import type { Report } from '../kit/report.ts';
import type { Stage } from '../kit/stage.ts';
import { consumer, withoutGroup, withoutTopic } from './cast.ts';
import { sinceLately } from './consuming.ts';
import { allLeaks, SignedMember } from './signed-member.ts';

interface Case {
  readonly name: string;
  readonly credentials: Credentials;
  readonly code: ErrorCode;
  /** Part of the error's text. */
  readonly says: string;
  /** Default: one for which nobody but `withoutGroup` lacks the right. */
  readonly group?: string;
  readonly topic?: string;
  readonly more?: Partial<ConsumerConfig>;
}

/** Unit: ms. */
const longest = 3000;
/** What would be tried again at once is tried by then. Unit: ms. */
const settled = 500;

const cases: readonly Case[] = [
  {
    name: 'wrong secret',
    credentials: { ...consumer, secretKey: 'canary-that-is-wrong' },
    code: 'RMQ_AUTHENTICATION_FAILED',
    says: 'the secret key does not fit the access key',
  },
  {
    name: 'unknown user',
    credentials: { accessKey: 'canary-user', secretKey: 'canary-of-nobody' },
    code: 'RMQ_AUTHENTICATION_FAILED',
    says: 'the broker knows no user of this access key',
  },
  {
    name: 'no right on the topic',
    credentials: withoutTopic,
    code: 'RMQ_TOPIC_FORBIDDEN',
    says: 'no right on topic orders',
  },
  {
    name: 'no right on the group',
    credentials: withoutGroup,
    code: 'RMQ_GROUP_FORBIDDEN',
    says: 'no right on group refused-user',
  },
];

/** Of ACL 2.0: 1.0 knows PUB and SUB only. */
const byTime = (): Case => ({
  name: 'TIMESTAMP without GET',
  credentials: consumer,
  code: 'RMQ_TOPIC_FORBIDDEN',
  says: 'the right GET on topic hours',
  ...{ group: 'refused-topic', topic: 'hours', more: sinceLately() },
});

export async function refusals(stage: Stage, report: Report, isVersion5: boolean): Promise<void> {
  for (const each of isVersion5 ? [...cases, byTime()] : cases)
    await refused(stage, report.part(each.name), each);
  report.check('lines, errors and events with a secret', allLeaks(), { is: 0 });
}

async function refused(
  stage: Stage,
  report: Report,
  { credentials, code, says, ...of }: Case,
): Promise<void> {
  const { group = 'refused-user', topic = 'orders', more = {} } = of;
  const member = new SignedMember(stage, { group, topic, credentials, more });
  const from = performance.now();
  const error = await member.refusal();
  const ms = Math.round(performance.now() - from);
  const { dials } = member;
  await pause(settled);
  report.check('the start was refused with', error?.code ?? 'nothing', { is: code });
  report.check('it names what is missing', error?.message.includes(says) === true, { is: true });
  report.speed('refused after, ms', ms, { atMost: longest });
  report.check('connections made in all', dials, { atMost: 3 });
  report.check('connections made afterwards', member.dials - dials, { is: 0 });
  if (error !== undefined) stage.say(error.message);
}
