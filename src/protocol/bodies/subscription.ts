// SPDX-License-Identifier: Apache-2.0
/** How does a body carry one topic's subscription? Source: SubscriptionData, protocol.md sections 5.3 and 9. */
import type { Namespace } from '../../model/namespace.ts';
import type { SubscriptionData } from '../../model/subscription.ts';
import { boolean, integer, list, oneOf, record, type Shape, string, withDefault } from '../json-shape.ts';

const wire = record({
  /** A removed feature of brokers before 4.2. */
  classFilterMode: withDefault(boolean, false),
  codeSet: withDefault(list(integer), []),
  expressionType: withDefault(oneOf('TAG', 'SQL92'), 'TAG'),
  subString: string,
  subVersion: withDefault(integer, 0),
  tagsSet: withDefault(list(string), []),
  topic: string,
});

/** The same of the topic as brokers know it. */
export function wireSubscription(namespace: Namespace, data: SubscriptionData): SubscriptionData {
  return { ...data, topic: namespace.wire(data.topic) };
}

export const subscriptionData: Shape<SubscriptionData> = {
  read: (json, path) => {
    const { topic, subString, tagsSet, codeSet, subVersion, expressionType } = wire.read(json, path);
    return { topic, subString, tagsSet, codeSet, subVersion, expressionType };
  },
  write: value => wire.write({ ...value, classFilterMode: false }),
};
