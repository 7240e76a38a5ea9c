// SPDX-License-Identifier: Apache-2.0
/** Who is there, and what may each do? */
import type { AclUser, ClusterAcl } from '../../../test/support/cluster/acl.ts';

const groups = [
  ...['first', 'last', 'pair', 'retry', 'time', 'rotating'],
  ...['refused-signature', 'refused-topic', 'refused-user'],
] as const;

export const place = {
  /** Sent to before anything consumes. */
  topic: 'orders',
  topics: ['orders', 'invoices', 'journal', 'failing', 'hours'],
  queues: 4,
} as const;

const sub: readonly ['Sub'] = ['Sub'];
const allTopics = Object.fromEntries(place.topics.map(topic => [topic, sub]));
const allGroups = Object.fromEntries(groups.map(group => [group, sub]));

/** Nothing but SUB. */
export const consumer = {
  accessKey: 'consumer-1',
  secretKey: 'canary-of-the-consumer',
  topics: allTopics,
  groups: allGroups,
} satisfies AclUser;

/** GET on one topic, too. */
export const historian = {
  accessKey: 'historian-1',
  secretKey: 'canary-of-the-historian',
  topics: { ...allTopics, hours: ['Sub', 'Get'] },
  groups: allGroups,
} satisfies AclUser;

export const withoutTopic = {
  accessKey: 'without-topic',
  secretKey: 'canary-without-topic',
  topics: { invoices: sub },
  groups: allGroups,
} satisfies AclUser;

export const withoutGroup = {
  accessKey: 'without-group',
  secretKey: 'canary-without-group',
  topics: allTopics,
  groups: { first: sub },
} satisfies AclUser;

export const rotating = {
  accessKey: 'rotating-1',
  secretKey: 'canary-before-the-change',
  topics: allTopics,
  groups: allGroups,
} satisfies AclUser;

export const cast = {
  admin: { accessKey: 'administrator', secretKey: 'canary-of-the-admin' },
  users: [consumer, historian, withoutTopic, withoutGroup, rotating],
} satisfies ClusterAcl;

/** Shown nowhere: neither by us nor in what we pass on of the broker's words. */
export const canary = 'canary';
