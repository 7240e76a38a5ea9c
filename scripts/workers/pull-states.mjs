// SPDX-License-Identifier: Apache-2.0
/** In which states are the pull actors of a consumer, and why do throttled ones wait? As an inspector would see it. */

/** State and cause to how many queues: `{ pulling: 3, 'throttled.armed sizeOfAll': 5 }`. */
export function pullStates(consumer) {
  const counts = {};
  for (const pull of pullsOf(consumer)) {
    const { value, context } = pull.getSnapshot();
    const state = typeof value === 'string' ? value : Object.entries(value).flat().join('.');
    const name = context.throttleCause === undefined ? state : `${state} ${context.throttleCause}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

/** Consumer, shards, queues, and of each queue the child that is called pull. */
function pullsOf(actor) {
  const { children = {} } = actor.getSnapshot();
  return Object.entries(children).flatMap(([id, child]) => (id === 'pull' ? [child] : pullsOf(child)));
}
