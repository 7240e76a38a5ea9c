// SPDX-License-Identifier: Apache-2.0
/** What may go wrong with messages that failed? */
import type { PlantedBug } from '../planted-bug.ts';

export const sendingBack: readonly PlantedBug[] = [
  {
    name: 'no-copy-after-refusal',
    what: 'a failed message that its broker refuses has no way left: it is never delivered again',
    file: 'machines/send-back/broker-returns.machine.ts',
    text: "      entry: { type: 'beginRound', params: { of: 'retry' } },\n      invoke: {\n        src: 'sendBack',\n        input: ({ context, self }) => roundInput(context, self.id),\n        onDone: [{ guard: 'allTaken', target: 'idle' }, { target: 'fallback' }],",
    becomes:
      "      entry: { type: 'beginRound', params: { of: 'retry' } },\n      invoke: {\n        src: 'sendBack',\n        input: ({ context, self }) => roundInput(context, self.id),\n        onDone: 'idle',",
    test: 'machines/send-back.test.ts',
    caughtBy: 'refused by its broker goes to the retry topic, and is settled when that has taken it',
  },
  {
    name: 'refused-counts-as-returned',
    what: 'a message that nobody took is marked done: it is lost',
    file: 'machines/send-back/send-back.actors.ts',
    text: '  const left = round.giveUp();\n  if (left.length === 0) return;',
    becomes:
      '  const left = round.giveUp();\n  for (const { job } of left) job.settle(job.failed);\n  if (left.length === 0) return;',
    test: 'machines/send-back.test.ts',
    caughtBy:
      'ends exactly once, whatever is decided, taken, refused, or never answered, by whichever broker',
  },
  {
    name: 'late-answer-settles-twice',
    what: 'a message whose send-back was given up, and that is delivered again, is also marked done by the late answer',
    file: 'machines/send-back/send-back.actors.ts',
    text: '    if (!signal.aborted && round.take(message)) onTaken(message);',
    becomes: '    round.take(message);\n    onTaken(message);',
    test: 'machines/send-back.test.ts',
    caughtBy:
      'ends exactly once, whatever is decided, taken, refused, or never answered, by whichever broker',
  },
  {
    name: 'redelivered-at-once',
    what: 'a message nobody took is delivered again without a pause: a listener that fails runs hot',
    file: 'machines/send-back/send-back.machine.ts',
    text: "      on: { 'messages.left': 'retryingLocally' },",
    becomes: "      on: { 'messages.left': { target: 'retryingLocally', actions: 'redeliverPaused' } },",
    test: 'machines/paths/send-back.test.ts',
    caughtBy: 'redelivers from here only after a pause',
  },
  {
    name: 'dead-letter-one-too-late',
    what: 'a message is tried once more than maxReconsumeTimes says',
    file: 'machines/send-back/send-back.logic.ts',
    text: 'message.reconsumeTimes >= rules.maxReconsumeTimes',
    becomes: 'message.reconsumeTimes > rules.maxReconsumeTimes',
    test: 'machines/send-back-decide.test.ts',
    caughtBy: 'is a dead letter of its number when nobody said anything',
  },
  {
    name: 'retry-level-one-lower',
    what: 'a copy to the retry topic comes back sooner than a broker would send it',
    file: 'machines/send-back/send-back.logic.ts',
    text: 'const firstRetryLevel = 3;',
    becomes: 'const firstRetryLevel = 2;',
    test: 'machines/send-back-port.test.ts',
    caughtBy: 'carries what the message had, its topic and id, the level, and nothing of its last journey',
  },
  {
    name: 'attempts-not-counted',
    what: 'a copy to the retry topic forgets how often it failed: it never becomes a dead letter',
    file: 'machines/consumer/send-back-port.ts',
    text: 'const reconsumeTimes = message.reconsumeTimes + 1;',
    becomes: 'const reconsumeTimes = message.reconsumeTimes;',
    test: 'machines/send-back-port.test.ts',
    caughtBy: 'that is to be retried is no dead letter to any version',
  },
];
