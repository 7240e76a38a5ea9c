// SPDX-License-Identifier: Apache-2.0
/** Was every order consumed? Judged from what the brokers hold and what the group has committed there, then told. */
import type { Line, Tone } from './paint.ts';
import { span } from './paint.ts';
import type { QueueOffsets } from './stage.ts';

export interface Evidence {
  readonly produced: number;
  /** Different orders that a listener ended well with. */
  readonly consumed: number;
  readonly repeated: number;
  readonly before: readonly QueueOffsets[];
  readonly after: readonly QueueOffsets[];
  /** In the group's retry topic, not committed. */
  readonly waitingRetries: number;
  readonly members: readonly { readonly name: string; readonly consumed: number }[];
  /** Of every member that came. Unit: ms. */
  readonly stops: readonly { readonly name: string; readonly clean: boolean; readonly ms: number }[];
  readonly isInterrupted: boolean;
}

export interface Verdict {
  readonly isWell: boolean;
  readonly lines: readonly Line[];
}

export function verdictOn(evidence: Evidence): Verdict {
  const { produced, consumed, repeated, waitingRetries, after, members, stops, isInterrupted } = evidence;
  const stored = sumOver(evidence, ({ max }) => max);
  const committed = sumOver(evidence, ({ committed: offset }) => offset ?? 0);
  const doneQueues = after.filter(each => each.committed === each.max || each.max === 0).length;
  const isProved =
    stored === produced && committed === stored && consumed === produced && waitingRetries === 0;
  const isClean = stops.every(({ clean }) => clean);
  const isWell = isProved && isClean && !isInterrupted;
  return {
    isWell,
    lines: [
      [],
      [span(` ${headline(evidence, isWell)}`, isWell ? 'green' : isInterrupted ? 'yellow' : 'red')],
      row(
        'brokers',
        `${stored} stored, ${committed} committed in ${doneQueues} of ${after.length} queues, ${waitingRetries} waiting for a retry`,
      ),
      row(
        'members',
        `${members.map(each => `${each.name} ${each.consumed}`).join(' + ')} = ${consumed + repeated}`,
      ),
      row('stopped', stopsText(stops), isClean ? 'plain' : 'red'),
      [],
    ],
  };
}

function stopsText(stops: Evidence['stops']): string {
  const unclean = stops.filter(({ clean }) => !clean).map(({ name }) => name);
  const times = stops.map(({ name, ms }) => `${name} in ${ms} ms`).join(', ');
  return unclean.length === 0 ? `all cleanly: ${times}` : `NOT cleanly: ${unclean.join(', ')}; ${times}`;
}

function headline({ produced, consumed, repeated, isInterrupted }: Evidence, isWell: boolean): string {
  if (isInterrupted) return `Interrupted: ${produced} orders produced, ${consumed} consumed.`;
  const missing = `${Math.max(0, produced - consumed)} ${isWell ? 'lost' : 'missing'}`;
  const counts = `${produced} orders produced, ${consumed} consumed, ${missing}, ${repeated} repeated`;
  return `${isWell ? 'All is well' : 'NOT as it should be'}: ${counts}.`;
}

/** What this run added: an offset counts from where its queue ended before. */
function sumOver({ before, after }: Evidence, offsetOf: (queue: QueueOffsets) => number): number {
  return after.reduce((sum, queue) => {
    const from = before.find(({ label }) => label === queue.label)?.max ?? 0;
    return sum + Math.max(0, offsetOf(queue) - from);
  }, 0);
}

function row(name: string, text: string, tone: Tone = 'plain'): Line {
  return [span(` ${name.padEnd(11)}`, 'dim'), span(text, tone)];
}
