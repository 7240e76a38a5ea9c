// SPDX-License-Identifier: Apache-2.0
/** What may go wrong when members share queues out? */
import type { PlantedBug } from '../planted-bug.ts';

export const sharing: readonly PlantedBug[] = [
  {
    name: 'rounds-without-rest',
    what: 'every notification asks all brokers for members at once: a group that starts floods them',
    file: 'machines/rebalance/rebalance.machine.ts',
    text: "          { target: 'resting', actions: ['tellTickets', 'forgetTickets'] },",
    becomes: "          { target: 'collecting', actions: ['tellTickets', 'forgetTickets'] },",
    test: 'machines/paths/rebalance.test.ts',
    caughtBy: 'rests between two rounds, or waits for its timer',
  },
  {
    name: 'told-before-applied',
    what: 'a subscribe is done before its queues are held',
    file: 'machines/rebalance/rebalance.machine.ts',
    text: "              { type: 'tellDecision', params: ({ event }) => event.output },\n            ],\n          },\n          {\n            // Only the strategy failed",
    becomes:
      "              { type: 'tellDecision', params: ({ event }) => event.output },\n              'tellTickets',\n            ],\n          },\n          {\n            // Only the strategy failed",
    test: 'machines/paths/rebalance.test.ts',
    caughtBy: 'tells nobody that its topic is shared out before the parent holds the queues',
  },
  {
    name: 'round-of-another',
    what: 'the end of an old round counts for the newest: the next one begins on queues nobody holds',
    file: 'machines/rebalance/rebalance.machine.ts',
    text: 'params.round !== context.round',
    becomes: 'params.round > context.round',
    test: 'machines/rebalance.test.ts',
    caughtBy: 'waits, and ignores an answer to another round',
  },
  {
    name: 'change-forgotten',
    what: 'a change during a round leads to no other round: queues stay wrongly shared for 20 s',
    file: 'machines/rebalance/rebalance.machine.ts',
    text: "          description: 'Something changed since the decision: once more afterwards.',\n          exit: 'rebalanceAgain',\n",
    becomes: "          description: 'Something changed since the decision: once more afterwards.',\n",
    test: 'machines/rebalance.test.ts',
    caughtBy: 'runs exactly one more on members.changed while applying, however often',
  },
  {
    name: 'foreign-list-believed',
    what: 'a member list that lacks us, as of a broker just started, takes all our queues away',
    file: 'machines/rebalance/rebalance.logic.ts',
    text: "  if (!answer.clientIds.includes(input.clientId)) return { kind: 'missing' };\n",
    becomes: '',
    test: 'machines/rebalance.test.ts',
    caughtBy: 'tells that we are missing, and asks again after 1 s',
  },
  {
    name: 'members-in-any-order',
    what: 'members see themselves in different orders: two take one queue, and nobody takes another',
    file: 'machines/rebalance/rebalance.logic.ts',
    text: 'Object.freeze([...new Set(clientIds)].sort(compareText))',
    becomes: 'Object.freeze([...new Set(clientIds)])',
    test: 'machines/rebalance.test.ts',
    caughtBy: 'gives the strategy sorted queues and members, each member once',
  },
  {
    name: 'allocation-gap',
    what: 'with shares of different size a queue belongs to nobody',
    file: 'allocation/average.ts',
    text: 'const start = index * smaller + Math.min(index, larger);',
    becomes: 'const start = index * smaller + Math.min(index + 1, larger);',
    test: 'unit/allocation/strategies.test.ts',
    caughtBy: 'gives every queue to exactly one member, whatever the numbers',
  },
  {
    name: 'early-list-believed',
    what: 'after a restart of a broker the first member that is back takes the queues of all others',
    file: 'machines/consumer/member-lists.ts',
    text: 'const doubtful = this.#isShorter(address, ids) ? this.#doubtfulFor(address) : 0;',
    becomes: 'const doubtful = 0;',
    test: 'machines/member-lists.test.ts',
    caughtBy: 'that lacks somebody right after our reconnect is asked for until all are back',
  },
];
