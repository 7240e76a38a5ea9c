// SPDX-License-Identifier: Apache-2.0
/** How does a broker answer admin tools about itself: 25, 28? Source: AdminBrokerProcessor of 5.5.0. */
import type { Clock } from '../../../model/clock.ts';
import { ResponseCode } from '../../../protocol/codes.ts';
import type { Handler, Handlers } from '../broker.types.ts';
import { serverVersion, serverVersionName } from '../server-version.ts';
import { encodeKvTable } from './admin-bodies.ts';
import { runtimeInfo, updateBrokerConfig } from './admin-requests.ts';

/** What clusterList shows; rates are not measured here. */
const runtime: ReadonlyMap<string, string> = new Map([
  ['brokerActive', 'true'],
  ['brokerVersion', String(serverVersion)],
  ['brokerVersionDesc', serverVersionName],
  ['putTps', '0.0 0.0 0.0'],
  ['getTransferredTps', '0.0 0.0 0.0'],
  ['sendThreadPoolQueueSize', '0'],
  ['pullThreadPoolQueueSize', '0'],
  ['ackThreadPoolQueueSize', '0'],
  ['sendThreadPoolQueueHeadWaitTimeMills', '0'],
  ['pullThreadPoolQueueHeadWaitTimeMills', '0'],
  ['ackThreadPoolQueueHeadWaitTimeMills', '0'],
  ['pageCacheLockTimeMills', '0'],
  ['commitLogDiskRatio', '0.0'],
  ['timerReadBehind', '0'],
  ['timerOffsetBehind', '0'],
  ['timerCongestNum', '0'],
  ['timerEnqueueTps', '0.0'],
  ['timerDequeueTps', '0.0'],
]);

export function brokerHandlers(clock: Pick<Clock, 'wallNow'>): Handlers {
  return new Map<number, Handler>([
    [updateBrokerConfig.code, (_frame, _peer, respond) => respond({ code: ResponseCode.SUCCESS })],
    [
      runtimeInfo.code,
      (_frame, _peer, respond) => {
        const earliest = String(Math.trunc(clock.wallNow())); // how old the store is, is shown in hours
        const table = new Map([...runtime, ['earliestMessageTimeStamp', earliest]]);
        respond({ code: ResponseCode.SUCCESS, body: encodeKvTable(table) });
      },
    ],
  ]);
}
