// SPDX-License-Identifier: Apache-2.0
/** Is a failed message always on some way? What every path of this chart keeps. */
import { sendBackMachine } from '../../../src/machines/send-back/send-back.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(sendBackMachine, {
  rules: [
    {
      sentence: 'redelivers from here only after a pause',
      never: ['redeliverPaused'],
      before: ['beginPause'],
      until: ['redeliverPaused'],
    },
    {
      sentence: 'opens senders for messages that failed',
      never: ['openSenders'],
      before: ['on messages.failed'],
    },
    {
      sentence: 'takes over from a dead sender before it forgets it',
      never: ['forgetSender', 'burySender'],
      before: ['takeOver'],
      until: ['on messages.failed'],
    },
  ],
});
