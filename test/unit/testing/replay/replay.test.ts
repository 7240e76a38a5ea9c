// SPDX-License-Identifier: Apache-2.0
import { beforeAll, describe, expect, it } from 'vitest';
import { exchanges } from '../../protocol/wire-samples.ts';
import { knownDifferences } from './differences.ts';
import { asListed, judge } from './known.ts';
import { type Compared, replay } from './replay.ts';

describe.each(['5.5.0', '5.3.3', '4.9.7'])(
  'what a broker %s was asked, asked of the embedded one',
  version => {
    const samples = exchanges.filter(each => each.version === version);
    let compared: readonly Compared[];
    beforeAll(async () => {
      compared = await replay(version);
    });

    it.each(samples.map((sample, index) => [index, sample.name] as const))(
      '%i: %s is answered the same, but for what is listed',
      (index, name) => {
        expect(judge(version, name, compared[index]?.differences ?? {})).toEqual(asListed);
      },
    );
  },
);

describe('the list of differences', () => {
  it('is about exchanges that were recorded, and gives a reason for each', () => {
    const recorded = new Set(exchanges.map(({ version, name }) => `${version} ${name}`));
    const listed = knownDifferences.flatMap(({ versions, samples }) =>
      versions.flatMap(version => samples.map(sample => `${version} ${sample}`)),
    );
    expect(listed.filter(each => !recorded.has(each))).toEqual([]);
    expect(knownDifferences.filter(({ why }) => why.length < 20)).toEqual([]);
  });

  it('leaves to the recorded newest release only what the embedded broker does not have', () => {
    const listed = knownDifferences.filter(({ versions }) => versions.includes('5.5.0'));
    expect(new Set(listed.flatMap(({ samples }) => samples))).toEqual(
      new Set([
        ...['pull missing field', 'pull sql', 'pull sql bad'],
        ...['check client config sql', 'check client config sql bad'],
      ]),
    );
  });

  it('excuses neither another value nor another place, and is too long when nothing is found', () => {
    const list = [
      {
        ...{ why: 'for this test', versions: ['1'], samples: ['a'] },
        differs: { 'message *.flag': ['1', /^[23]$/] as const, code: ['0', '7'] as const },
      },
    ];
    const excused = {
      'message 12.flag': { recorded: '1', embedded: '3' },
      code: { recorded: '0', embedded: '7' },
    };
    expect(judge('1', 'a', excused, list)).toEqual(asListed);
    expect(judge('2', 'a', excused, list)).toEqual({ unlisted: excused, unseen: [] });
    expect(judge('1', 'b', excused, list)).toEqual({ unlisted: excused, unseen: [] });
    const others = {
      'message 12.flag': { recorded: '1', embedded: '4' },
      'message 12.flags': { recorded: '1', embedded: '3' },
      code: { recorded: '1', embedded: '7' },
    };
    expect(judge('1', 'a', others, list)).toEqual({ unlisted: others, unseen: ['message *.flag', 'code'] });
  });
});
