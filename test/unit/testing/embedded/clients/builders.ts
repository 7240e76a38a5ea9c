// SPDX-License-Identifier: Apache-2.0
/** What do clients of an embedded broker look like in tests? */
import { subscriptionData, tag } from '../../../../../src/model/subscription.ts';
import type { HeartbeatData } from '../../../../../src/protocol/bodies/heartbeat.ts';
import { decodeFrame, type Frame } from '../../../../../src/protocol/frame.ts';
import type { Peer } from '../../../../../src/testing/embedded/broker.types.ts';

/** A connection that notes what is pushed. */
export class FakeClientPeer implements Peer {
  readonly address: string;
  readonly pushed: Frame[] = [];
  isOpen = true;

  constructor(address = '10.0.0.1:1000') {
    this.address = address;
  }

  push(frame: Buffer): void {
    this.pushed.push(decodeFrame(frame.subarray(4)));
  }

  close(): void {
    this.isOpen = false;
  }
}

export interface HeartbeatOptions {
  readonly clientId?: string;
  readonly group?: string;
  /** Topic to expression. */
  readonly topics?: Readonly<Record<string, string>>;
  readonly subVersion?: number;
  readonly messageModel?: 'CLUSTERING' | 'BROADCASTING';
  readonly fingerprint?: number;
  readonly withoutSub?: boolean;
}

export function aHeartbeat(options: HeartbeatOptions = {}): HeartbeatData {
  const { clientId = 'me', group = 'billing', topics = { orders: '*' }, subVersion = 1 } = options;
  const subscriptionDataSet = Object.entries(topics).map(([topic, expression]) =>
    subscriptionData(topic, tag(expression), subVersion),
  );
  return {
    clientID: clientId,
    consumerDataSet: [
      {
        consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
        consumeType: 'CONSUME_PASSIVELY',
        groupName: group,
        messageModel: options.messageModel ?? 'CLUSTERING',
        subscriptionDataSet,
        unitMode: false,
      },
    ],
    heartbeatFingerprint: options.fingerprint ?? 0,
    producerDataSet: [],
    withoutSub: options.withoutSub ?? false,
  };
}
