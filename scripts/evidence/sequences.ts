// SPDX-License-Identifier: Apache-2.0
/** Does a hand-over between two processes on a real broker keep the rules, and does its picture read as it should? */
import { mkdirSync } from 'node:fs';
import { record } from '../../visualizations/recording/record.ts';
import { sequences } from '../../visualizations/sequences.ts';
import type { Evidence } from './kit/stage.ts';

/** The order in which a queue changes its owner, design.md G3. */
const handover = [
  /boris->>broker-a: .*34 HEART_BEAT/,
  /broker-a-\)anna: .*40 NOTIFY_CONSUMER_IDS_CHANGED/,
  /anna->>broker-a: .*15 UPDATE_CONSUMER_OFFSET/,
  /broker-a-->>anna: .*ok/,
  /anna->>broker-a: .*42 UNLOCK_BATCH_MQ/,
  /broker-a-->>boris: .*granted/,
  /boris->>broker-a: .*14 QUERY_CONSUMER_OFFSET/,
  /boris->>broker-a: .*11 PULL_MESSAGE/,
  /Note over boris: .*listener is called/,
];

export const sequencesEvidence: Evidence = {
  name: 'sequences',
  about:
    'start, retry, hand-over between two processes, shutdown, recorded at the ports: no rule broken, drawn in the right order',
  needsCluster: false, // it starts its own
  async run(stage, report) {
    const folder = stage.file('traces');
    mkdirSync(folder);
    const { violations, handover: recorded } = await record(folder);
    for (const { rule, line, problem } of violations) stage.say(`${rule} in line ${line}: ${problem}`);
    report.check('rules broken', violations.length, { is: 0 });
    report.note(
      'entries',
      recorded.reduce((sum, { entries }) => sum + entries.length, 0),
    );
    const drawn = await sequences(folder);
    report.check('stories drawn', [...drawn.keys()].length, { is: 4 });
    const lines = (drawn.get('sequence-handover.mmd') ?? '').split('\n');
    for (const line of lines) stage.say(line);
    let from = 0;
    for (const [step, pattern] of handover.entries()) {
      const at = lines.findIndex((line, index) => index >= from && pattern.test(line));
      report.check(`step ${step + 1} in its place: ${pattern.source}`, at >= 0, { is: true });
      if (at >= 0) from = at;
    }
  },
};
