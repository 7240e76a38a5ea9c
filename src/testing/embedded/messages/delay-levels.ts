// SPDX-License-Identifier: Apache-2.0
/** How long does a message of each delay level wait? Source: ScheduleMessageService.parseDelayLevel. */
import { RocketmqError } from '../../../errors/errors.ts';

const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const levelForm = /^(\d+)([smhd])$/;

/**
 * The pauses of all levels, first to last. Unit: ms.
 * @throws RocketmqError `RMQ_CONFIG_INVALID` naming the part that is none
 * @example
 * parseDelayLevels('1s 5s 10s'); // [1000, 5000, 10000]
 */
export function parseDelayLevels(text: string): readonly number[] {
  return text.split(' ').map(part => {
    const [, count = '', unit = ''] = levelForm.exec(part) ?? [];
    const factor = units[unit];
    if (factor === undefined) {
      throw new RocketmqError(
        'RMQ_CONFIG_INVALID',
        `messageDelayLevel: ${JSON.stringify(part)} in ${JSON.stringify(text)} is not a number with s, m, h or d`,
        { context: { option: 'messageDelayLevel', part } },
      );
    }
    return Number(count) * factor;
  });
}
