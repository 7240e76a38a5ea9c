// SPDX-License-Identifier: Apache-2.0
/** What do tests of the board begin with? The figures of a moment in the middle of a demo. */
import type { Figures, MemberFigures } from '../../../scripts/demo/figures.ts';

export const anna: MemberFigures = {
  ...{ name: 'anna', tone: 'cyan', state: 'running.active', queues: ['0', '1', '2'] },
  ...{ consumed: 118, rate: 16, held: 2, retried: 1 },
};
export const boris: MemberFigures = {
  ...{ name: 'boris', tone: 'magenta', state: 'stopping.draining', queues: ['3', '4', '5', '6', '7'] },
  ...{ consumed: 120, rate: 17, held: 1, retried: 0 },
};
export const carla: MemberFigures = {
  ...{ name: 'carla', tone: 'yellow', state: 'idle', queues: [] },
  ...{ consumed: 0, rate: 0, held: 0, retried: 0 },
};

export function figuresOf(overrides: Partial<Figures> = {}): Figures {
  return {
    ...{ where: 'embedded cluster at 127.0.0.1:40123', topic: 'orders', group: 'shop' },
    ...{ elapsed: 7340, planned: 520, produced: 260, consumed: 238, repeated: 0, retried: 1, rate: 33 },
    members: [anna, boris, carla],
    queues: Array.from({ length: 8 }, (_, id) => ({
      label: String(id),
      stored: 32,
      committed: 30 + (id % 3),
    })),
    happenings: [
      { at: 40, who: undefined, text: 'topic orders with 8 queues', tone: 'plain' },
      { at: 3520, who: { name: 'anna', tone: 'cyan' }, text: 'order-100 fails', tone: 'red' },
    ],
    ...{ rateHistory: [0, 20, 40, 40], lagHistory: [1, 0, 80, 20] },
    ...overrides,
  };
}
