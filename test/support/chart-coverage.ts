// SPDX-License-Identifier: Apache-2.0
/** How often were the states of a chart entered and its arrows taken, and which of them never? */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition, InspectionEvent } from 'xstate';
import { guardName } from '../../src/inspect/names.ts';
import { nodesOf } from '../../visualizations/chart.ts';

/**
 * Watches every actor of one machine, also those below another.
 * @example
 * const coverage = new ChartCoverage(pullMachine);
 * createActor(pullMachine, { inspect: coverage.inspect, … });
 * it('visits every state and takes every arrow', () => expect(coverage.missed()).toEqual([]));
 */
export class ChartCoverage {
  readonly inspect: (event: InspectionEvent) => void;
  readonly #machine: AnyStateMachine;
  readonly #seen = new Map<string, number>();

  constructor(machine: AnyStateMachine) {
    this.#machine = machine;
    this.inspect = event => {
      if (event.type === '@xstate.microstep') for (const taken of event._transitions) this.#take(taken);
      if (event.type === '@xstate.microstep' || event.type === '@xstate.snapshot')
        this.#visit(event.snapshot);
    };
  }

  /** States as `pull.pulling`, arrows as `pull.pulling: batch.found [hasRoom] → pull.throttled`, in the order of the chart. */
  missed(): readonly string[] {
    return nodesOf(this.#machine.root)
      .flatMap(node => [node.id, ...arrowsOf(node).map(textOf)])
      .filter(each => !this.#seen.has(each));
  }

  /** How often a state was there when something happened, by its id. */
  visits(state: string): number {
    return this.#seen.get(state) ?? 0;
  }

  /** How often each arrow was taken, in the order of the chart. */
  taken(): readonly number[] {
    const arrows = nodesOf(this.#machine.root).flatMap(arrowsOf);
    return arrows.map(arrow => this.#seen.get(textOf(arrow)) ?? 0);
  }

  #take(transition: AnyTransitionDefinition): void {
    this.#count(textOf(transition));
    this.#count(transition.source.id); // left at once, it stands in no snapshot
  }

  #count(what: string): void {
    this.#seen.set(what, (this.#seen.get(what) ?? 0) + 1);
  }

  #visit(snapshot: unknown): void {
    if (!isOfMachine(snapshot) || snapshot.machine.id !== this.#machine.id) return;
    for (const node of snapshot._nodes) this.#count(node.id);
  }
}

interface MachineSnapshotLike {
  readonly machine: AnyStateMachine;
  readonly _nodes: readonly AnyStateNode[];
}

function isOfMachine(snapshot: unknown): snapshot is MachineSnapshotLike {
  return typeof snapshot === 'object' && snapshot !== null && 'machine' in snapshot && '_nodes' in snapshot;
}

function arrowsOf(node: AnyStateNode): readonly AnyTransitionDefinition[] {
  return [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
}

function textOf({ source, eventType, guard, target }: AnyTransitionDefinition): string {
  const trigger = eventType === '' ? 'always' : String(eventType).replace(`.${source.id}`, '');
  const condition = guard === undefined ? '' : ` [${guardName(guard)}]`;
  const goal = (target ?? []).map(({ id }) => String(id)).join(', ') || 'stays';
  return `${source.id}: ${trigger}${condition} → ${goal}`;
}
