// SPDX-License-Identifier: Apache-2.0
/** May a listener be called? What every path of this chart keeps. */
import { consumeMachine } from '../../../src/machines/consume/consume.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(consumeMachine, {
  rules: [
    {
      sentence: 'opens the dispatcher for nobody who gives the queue up',
      never: ['openDispatcher'],
      after: ['dropWaiting', 'dropButFinish'],
    },
    {
      sentence: 'opens the dispatcher for nobody while the consumer is suspended',
      never: ['openDispatcher', 'startGathered'],
      after: ['on queue.suspend'],
      until: ['on queue.resume'],
    },
    {
      sentence: 'closes the dispatcher between two openings',
      never: ['openDispatcher'],
      after: ['openDispatcher'],
      until: ['closeDispatcher'],
    },
    {
      sentence: 'drops what has not started before it waits for what runs',
      never: ['awaitDrained'],
      before: ['dropWaiting', 'dropButFinish'],
    },
    {
      sentence: 'hands what still runs to nobody before it is given up',
      never: ['leaveRunning'],
      before: ['awaitDrained'],
    },
    {
      sentence: 'goes on without a lock only when it is there again',
      never: ['openDispatcher'],
      after: ['on lock.missed'],
      until: ['on after lockCheck', 'on queue.resume'],
    },
  ],
});
