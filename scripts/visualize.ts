// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run visualize` draws every chart from the code into visualizations/; with `--check` it only says what is out of date.
 * With `--record` it first records the traces anew that the sequences are drawn from, on a real Apache RocketMQ.
 */
import { join } from 'node:path';
import { draw, drifts, write } from '../visualizations/pictures.ts';
import { record } from '../visualizations/recording/record.ts';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'visualizations');
const traces = join(folder, 'traces');
if (process.argv.includes('--record')) {
  const { violations } = await record(traces);
  if (violations.length > 0)
    throw new Error(`what was recorded breaks a rule: ${JSON.stringify(violations)}`);
}
const pictures = await draw(join(root, 'src'), traces);

if (process.argv.includes('--check')) {
  const found = await drifts(folder, pictures);
  for (const { file, why } of found) console.error(`visualizations/${file} is ${why}`);
  if (found.length > 0) {
    console.error('Run `npm run visualize` and commit the result.');
    process.exitCode = 1;
  }
} else {
  const changed = await write(folder, pictures);
  for (const { file, why } of changed) console.log(`visualizations/${file} was ${why}`);
  console.log(`${pictures.size} pictures are current, ${changed.length} of them new`);
}
