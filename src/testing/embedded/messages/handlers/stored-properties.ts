// SPDX-License-Identifier: Apache-2.0
/** What does a broker add to the properties of a message it stores? Source: buildMsgContext, sendMessage of 5.5.0. */
import { parseProperties, propertyNames } from '../../../../protocol/properties.ts';
import type { MessageParts } from './parts.types.ts';

const region = 'DefaultRegion';
const traceOn = 'true';
/** A pop receipt is the broker's to give, not a producer's. */
const popReceipt = 'POP_CK';

/** Fields of every answer to a send, refusals included. */
export const sendFields = { [propertyNames.traceOn]: traceOn, [propertyNames.msgRegion]: region } as const;

/** A producer's properties and the broker's own. */
export function storedProperties(
  given: Iterable<readonly [string, string]>,
  { nextId, options }: Pick<MessageParts, 'nextId' | 'options'>,
): ReadonlyMap<string, string> {
  const properties = new Map(given)
    .set(propertyNames.msgRegion, region)
    .set(propertyNames.traceOn, traceOn)
    .set(propertyNames.cluster, options.clusterName);
  properties.delete(popReceipt);
  if (!properties.has(propertyNames.uniqueKey)) properties.set(propertyNames.uniqueKey, nextId());
  return properties;
}

/** Properties as they came with a send. */
export function givenProperties(text: string | undefined): ReadonlyMap<string, string> {
  return parseProperties(text ?? '');
}
