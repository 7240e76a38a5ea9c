// SPDX-License-Identifier: Apache-2.0
/** May the queue be pulled, read or moved when it is not ours? What every path of this chart keeps. */
import { pullMachine } from '../../../src/machines/pull/pull.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(pullMachine, {
  rules: [
    {
      sentence: 'writes no pull while it waits for its permit',
      never: ['pullOn', 'requestNextBatch'],
      after: ['requestPermit'],
      until: ['on start.permitted', 'on after handoverPause', 'on queue.resume', 'on queue.seek'],
    },
    {
      sentence: 'asks for nothing and admits nothing after the revoke',
      never: [
        'pullOn',
        'requestNextBatch',
        'admitBatch',
        'requestPermit',
        'askPolicy',
        'placeAt',
        'enter resolvingOffset',
      ],
      after: ['on queue.revoke'],
    },
    {
      sentence: 'writes no pull while suspended or verifying',
      never: ['pullOn', 'requestNextBatch'],
      after: ['on queue.suspend', 'enter paused', 'enter verifying'],
      until: ['on queue.resume', 'on queue.seek'],
    },
    {
      sentence: 'waits after a failure before it asks again',
      never: ['pullOn', 'requestNextBatch'],
      after: ['on pull.failed'],
      until: ['on after backoff', 'on queue.seek', 'on queue.resume'],
    },
    {
      sentence: 'drops the pull that is on the wire when the queue is given up',
      never: ['enter revoked'],
      before: ['abandonPull'],
    },
    {
      sentence: 'passes over a message only when the policy said so',
      never: ['passOver'],
      before: ['on damage.judged'],
    },
    {
      sentence:
        'withholds commits before it asks where the queue stands, and allows them only with the answer',
      never: ['allowCommits'],
      before: ['on done(readCommitted)'],
      until: ['withholdCommits'],
    },
    {
      sentence: 'waits for the permit before it reads where an orderly queue begins',
      never: ['enter resolvingOffset', 'on done(resolveStart)'],
      after: ['enter locking'],
      until: ['on start.permitted', 'on queue.suspend', 'on queue.verify', 'on queue.seek'],
    },
  ],
});
