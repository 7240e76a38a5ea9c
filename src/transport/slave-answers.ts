// SPDX-License-Identifier: Apache-2.0
/**
 * What is a slave believed that a pull asked? Its messages; not its word for where a queue begins and ends, for it may be behind.
 * Source: DefaultMessageStore.nextOffsetCorrection, PullMessageProcessor, protocol.md section 3.
 */
import { BrokerError, RocketmqError } from '../errors/errors.ts';
import type { QueueOffset } from '../model/queue-offset.ts';
import { responseName } from '../protocol/codes.ts';
import type { Frame } from '../protocol/frame.ts';
import type { Caller } from './call.ts';

/** One broker of a name, as pulls of a queue see it. */
export interface PullReplica {
  /** 0: the master. */
  readonly brokerId: number;
  readonly isSlave: boolean;
  readonly caller: Caller;
}

/**
 * How long a slave may hold an empty poll: it looks every 5 s only, and whoever waits there does not hear of what the
 * master has. Unit: ms.
 */
export const slaveHold = 1000;

/** The scan went over messages nobody wants: the one word of a slave that moves a queue on without a message. */
const scannedInVain = 'NO_MATCHED_MESSAGE';

/**
 * Where a queue goes on after an answer without messages: where it was, unless the slave has passed over what it has.
 * @throws BrokerError `RMQ_SLAVE_BEHIND` when it does not have that place: nothing it says of the offset is followed then
 */
export function slaveNothing(answer: {
  readonly what: string;
  readonly replica: PullReplica;
  readonly offset: QueueOffset;
  readonly frame: Frame;
  readonly nextBeginOffset: QueueOffset;
  readonly minOffset: number;
  readonly maxOffset: number;
}): QueueOffset {
  const { offset, frame, nextBeginOffset, minOffset, maxOffset } = answer;
  if (offset < minOffset || offset > maxOffset) throw behind(answer);
  const hasScanned = frame.remark === scannedInVain && nextBeginOffset > offset;
  return hasScanned && nextBeginOffset <= maxOffset ? nextBeginOffset : offset;
}

function behind({ what, replica, offset, frame, minOffset, maxOffset }: Parameters<typeof slaveNothing>[0]) {
  const { brokerId, caller } = replica;
  const message =
    `${what} at ${offset}: slave ${brokerId} (${caller.address}) has ${minOffset} to ${maxOffset} ` +
    `(${frame.code} ${responseName(frame.code)}); the place is kept`;
  return new BrokerError(
    'RMQ_SLAVE_BEHIND',
    message,
    { responseCode: frame.code, remark: frame.remark },
    { context: { address: caller.address, brokerId, offset, minOffset, maxOffset } },
  );
}

/** A slave would answer it with success and forget it: a defect of ours. */
export function commitToSlave(what: string, { brokerId, caller }: PullReplica): RocketmqError {
  const message = `${what} was to carry an offset to slave ${brokerId} (${caller.address})`;
  return new RocketmqError('RMQ_INTERNAL', message, { context: { address: caller.address, brokerId } });
}
