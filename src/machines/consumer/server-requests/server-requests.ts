// SPDX-License-Identifier: Apache-2.0
/**
 * What does a broker get that asks this consumer something (protocol.md section 2.5)? A code for each request; whatever is not
 * here is answered with 3. Source: ClientRemotingProcessor.
 */
import { ProtocolError } from '../../../errors/errors.ts';
import { RequestCode, ResponseCode } from '../../../protocol/codes.ts';
import { readHeader } from '../../../protocol/define-request.ts';
import type { Frame } from '../../../protocol/frame.ts';
import { notifyConsumerIdsChanged } from '../../../protocol/requests/notify-consumer-ids-changed.ts';
import { DirectCalls } from './direct-calls.ts';
import { answerConsumerStatus, resetOffsets } from './offsets.ts';
import { answerRunningInfo } from './running-info.ts';
import type { Answer, Reply, RequestSurroundings } from './server-requests.types.ts';

export class ServerRequests {
  readonly #around: RequestSurroundings;
  readonly #answers: ReadonlyMap<number, Answer>;
  /** Unit: ms since 1970. */
  #startedAt: number;

  constructor(around: RequestSurroundings) {
    this.#around = around;
    this.#startedAt = around.clock.wallNow();
    const direct = new DirectCalls(around);
    this.#answers = new Map<number, Answer>([
      [RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, frame => this.#noteMembers(frame)],
      [RequestCode.RESET_CONSUMER_CLIENT_OFFSET, (frame, reply) => resetOffsets(around, frame, reply)],
      [
        RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT,
        (frame, reply) => answerConsumerStatus(around, frame, reply),
      ],
      [
        RequestCode.GET_CONSUMER_RUNNING_INFO,
        (frame, reply) => answerRunningInfo(around, this.#startedAt, frame, reply),
      ],
      [RequestCode.CONSUME_MESSAGE_DIRECTLY, (frame, reply) => direct.answer(frame, reply)],
    ]);
  }

  noteStart(): void {
    this.#startedAt = this.#around.clock.wallNow();
  }

  /** As ServerRequestHandler: false for a code that is not known. What cannot be read is answered with why. */
  serve(address: string, frame: Frame, reply: Reply): boolean {
    const answer = this.#answers.get(frame.code);
    if (answer === undefined) return false;
    try {
      answer(frame, reply);
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError)) throw thrown;
      const { code, message, context } = thrown;
      const what = `request ${frame.code} of ${address} cannot be carried out: ${message}`;
      const error = new ProtocolError(code, what, { cause: thrown, context: { ...context, address } });
      this.#around.tell({ type: 'fault', error, actor: 'serverRequests' });
      reply({ code: ResponseCode.SYSTEM_ERROR, remark: `${code}: ${message}` });
    }
    return true;
  }

  #noteMembers(frame: Frame): void {
    const { consumerGroup } = readHeader(notifyConsumerIdsChanged, frame, this.#around.namespace);
    if (consumerGroup === this.#around.config.consumerGroup) this.#around.tell({ type: 'members.changed' });
  }
}
