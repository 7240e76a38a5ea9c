// SPDX-License-Identifier: Apache-2.0
/** Which bugs would a consumer have to have for its tests to be worth something? Each is planted in turn, and must be noticed. */
import type { PlantedBug } from './planted-bug.ts';

export const bugs: readonly PlantedBug[] = [
  {
    name: 'unregister-before-persist',
    what: 'the brokers hear the goodbye before the last offsets are stored',
    file: 'machines/consumer/consumer.machine.ts',
    text: "              guard: 'hasLeftAll',\n              target: 'persisting',",
    becomes: "              guard: 'hasLeftAll',\n              target: 'releasing',",
    test: 'machines/paths/consumer.test.ts',
    caughtBy: 'persists before it unregisters',
  },
  {
    name: 'pull-after-revoke',
    what: 'a queue that is given up is only paused',
    file: 'machines/pull/pull.machine.ts',
    text: "    'queue.revoke': '.revoked',",
    becomes: "    'queue.revoke': '.paused',",
    test: 'machines/paths/pull.test.ts',
    caughtBy: 'asks for nothing and admits nothing after the revoke',
  },
  {
    name: 'late-result-of-old-epoch',
    what: 'a listener call from before a seek marks messages of the new place as done',
    file: 'flow/owned-queue.ts',
    text: '    if (held === undefined || epoch !== this.#epoch) return;',
    becomes: '    if (held === undefined) return;',
    test: 'unit/flow/owned-queue.test.ts',
    caughtBy: 'lets nothing of an older epoch touch',
  },
  {
    name: 'seek-commits-first',
    what: 'a seek commits its place before the queue has let go of what it held',
    file: 'machines/commands/seek.machine.ts',
    text: "          target: 'moving',\n",
    becomes: "          target: 'committing',\n",
    test: 'machines/paths/seek.test.ts',
    caughtBy: 'confirms its place only after the queue has moved',
  },
];
