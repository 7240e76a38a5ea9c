// SPDX-License-Identifier: Apache-2.0
/** What does a broker get that asks for a group that is not ours? Source: ClientRemotingProcessor. */
import { ResponseCode } from '../../../protocol/codes.ts';
import type { ServerReply } from '../../../transport/server-requests.ts';

export function unknownGroup(consumerGroup: string): ServerReply {
  const remark = `The Consumer Group <${consumerGroup}> not exist in this consumer`;
  return { code: ResponseCode.SYSTEM_ERROR, remark };
}
