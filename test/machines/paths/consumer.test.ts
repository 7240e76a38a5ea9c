// SPDX-License-Identifier: Apache-2.0
/** Do start and stop keep the designed order? What every path of this chart keeps. */
import { consumerMachine } from '../../../src/machines/consumer/consumer.machine.ts';
import { followPaths } from './kit/follow-paths.ts';

followPaths(consumerMachine, {
  rules: [
    {
      sentence: 'asks name servers before anything else',
      never: ['spawnRebalance', 'spawnHeartbeat', 'enter starting.registering'],
      before: ['spawnRoutes'],
    },
    {
      sentence: 'asks nobody before it knows who it is',
      never: ['spawnRoutes'],
      after: ['enter starting.identifying'],
      until: ['on done(identify)'],
    },
    {
      sentence: 'coordinates only after the offset store has read what it keeps',
      never: ['enter starting.coordinating'],
      before: ['on done(loadOffsets)'],
    },
    {
      sentence: 'shares queues out only after a heartbeat was asked for',
      never: ['rebalanceNow'],
      before: ['beatNow'],
    },
    {
      sentence: 'is heard by a broker before it takes queues, unless no route asks for one',
      never: ['rebalanceNow'],
      before: ['on heartbeat.done', 'on connection.ready'],
    },
    {
      sentence: 'takes no queue by time before it is known that it may ask for that',
      never: ['rebalanceNow'],
      after: ['enter starting.askingByTime'],
      until: ['on done(askByTime)'],
    },
    {
      sentence: 'lets listeners be called after the first shares are applied',
      never: ['openSlots', 'resumeQueues'],
      before: ['giveAssignments'],
    },
    { sentence: 'resumes its queues only in running.active', never: ['resumeQueues'], after: ['beginStop'] },
    {
      sentence: 'takes no queue once it stops',
      never: ['placeQueues', 'giveAssignments', 'rebalanceNow'],
      after: ['closeIntake'],
    },
    { sentence: 'closes its intake before it persists', never: ['flushOffsets'], before: ['closeIntake'] },
    {
      sentence: 'persists after the listeners have ended, or their time is over',
      never: ['flushOffsets'],
      before: ['on step.done', 'on after drainTimeout'],
      until: ['closeIntake'],
    },
    {
      sentence: 'persists before it unregisters',
      never: ['stopBeating', 'enter stopping.releasing'],
      before: ['flushOffsets'],
    },
    {
      sentence: 'knows what became of the last offsets before it unregisters',
      never: ['enter stopping.releasing'],
      before: ['noteCommits', 'noteUncommitted'],
      until: ['flushOffsets'],
    },
    {
      sentence: 'unregisters before it closes connections',
      never: ['closeConnections'],
      before: ['on done(leave)', 'on error(leave)', 'on after stepTimeout'],
      until: ['stopBeating'],
    },
    {
      sentence: 'closes connections before it is stopped, once it had any',
      never: ['enter stopped'],
      after: ['spawnRoutes'],
      until: ['closeConnections'],
    },
    { sentence: 'closes its scope before it is stopped', never: ['enter stopped'], before: ['closeScope'] },
    {
      sentence: 'never goes back to running',
      never: ['enter running', 'enter starting'],
      after: ['beginStop', 'closeIntake'],
    },
    {
      sentence: 'delivers and commits nothing while it is in doubt',
      never: ['resumeQueues', 'releaseOffsets'],
      after: ['holdOffsets'],
      until: [
        'on gap.found', // held, let go and held again in one step: the store itself commits nothing then
        'on assignment.decided',
        'on consumer.shutdown',
        'on xstate.error.actor.any',
      ],
    },
    {
      sentence: 'tells that too few offsets are saved when that begins',
      never: ['enter running.unsaved'],
      before: ['emitFault'],
      until: ['on offsets.failed'],
    },
    {
      sentence: 'takes offsets for saved again only when some were persisted, or it begins anew',
      never: ['enter running.active'],
      after: ['enter running.unsaved'],
      until: ['on offsets.persisted', 'on consumer.suspend', 'on gap.found'],
    },
    {
      sentence: 'begins to stop once, however often it is asked to',
      never: ['beginStop', 'closeIntake'],
      after: ['closeIntake'],
    },
    { sentence: 'begins a stop before its first step', never: ['closeIntake'], before: ['beginStop'] },
  ],
});
