// SPDX-License-Identifier: Apache-2.0
/** Which selector shall the broker look at? Source: CheckClientRequestBody. */
import type { Namespace } from '../../model/namespace.ts';
import { maybe, readBody, record, type ShapeOf, string, writeBody } from '../json-shape.ts';
import { subscriptionData, wireSubscription } from './subscription.ts';

const clientConfig = record({ clientId: string, group: string, namespace: maybe(string), subscriptionData });

export type ClientConfig = ShapeOf<typeof clientConfig>;

export function encodeClientConfig(config: ClientConfig, namespace?: Namespace): Buffer {
  if (namespace === undefined) return writeBody(clientConfig, config);
  return writeBody(clientConfig, {
    ...config,
    group: namespace.wire(config.group),
    subscriptionData: wireSubscription(namespace, config.subscriptionData),
  });
}

/** @throws ProtocolError `RMQ_BAD_BODY` */
export function parseClientConfig(body: Buffer): ClientConfig {
  return readBody(clientConfig, body, 'client config');
}
