// SPDX-License-Identifier: Apache-2.0
/** SqlFilterTest and TagFilterTest: does a consumer get what its selector asks for, and nothing else? */
import { expect } from 'vitest';
import { type Message, type Selector, sql, tag } from '../../../src/index.ts';
import type { E2eCase, E2eClass } from './e2e-case.ts';
import { bodies, type E2eStage, numbered, sorted } from './stage.ts';

interface Filtered {
  readonly selector: Selector;
  /** What is sent after the consumer has started, for each ten messages. */
  readonly sent: readonly Omit<Partial<Message>, 'topic' | 'body'>[];
  /** Which of those are delivered, by their index. */
  readonly delivered: readonly number[];
}

const each = 10;

/** Whatever the selector refuses is passed: only then it is known that it never comes. */
async function filtered(stage: E2eStage, { selector, sent, delivered }: Filtered): Promise<void> {
  const given = { topic: await stage.topic(), group: stage.fresh('e2e'), selector };
  const consumer = await stage.soleConsumer(given);
  const all = sent.flatMap((more, index) =>
    numbered(given.topic, each, more).map((message, number) => ({
      ...message,
      body: String(index * each + number),
    })),
  );
  await stage.send(all);
  await stage.committed(given.topic, given.group);
  const wanted = delivered.flatMap(index => bodies(each).map(body => String(index * each + Number(body))));
  expect(sorted(consumer.bodies())).toEqual(sorted(wanted));
}

const filterCase = (name: string, about: string, what: Filtered): E2eCase => ({
  ...{ name, about },
  run: stage => filtered(stage, what),
});
const sqlCase = (name: string, about: string, what: Filtered): E2eCase => ({
  ...filterCase(name, about, what),
  realOnly: true,
});

const hangzhou = { properties: { regionId: 'cn-hangzhou', price: '30' } };

export const sqlFilterTest: E2eClass = {
  name: 'SqlFilterTest',
  cases: [
    sqlCase('testSendWithTagAndPropsRecvWithOutFilter', 'TRUE lets everything pass', {
      selector: sql('TRUE'),
      ...{ sent: [hangzhou], delivered: [0] },
    }),
    sqlCase('testSqlSendTwoProps_SubFilterOne', 'price>20 lets 30 pass and not 10', {
      selector: sql('price>20'),
      ...{ sent: [{ properties: { price: '10' } }, { properties: { price: '30' } }], delivered: [1] },
    }),
    sqlCase(
      'testSendWithTagAndPropsRecvWithBetween',
      'BETWEEN and IS NOT NULL, in any spelling, let pass what fits',
      {
        selector: sql('(price BETWEEN 10 AND 100) AND regionId IS NOT NUll'),
        ...{ sent: [hangzhou], delivered: [0] },
      },
    ),
    sqlCase(
      'testSendWithTagAndPropsRecvWithUnknownProps',
      'a property that no message has lets nothing pass',
      {
        selector: sql("product = 'MQ'"),
        ...{ sent: [hangzhou], delivered: [] },
      },
    ),
  ],
};

const longTag = 'a1B2c3D4e5'.repeat(1024);

export const tagFilterTest: E2eClass = {
  name: 'TagFilterTest',
  cases: [
    filterCase('testSendTagA_SubTagAorTagB', 'of two wanted tags one is sent: all of it comes', {
      selector: tag('tagA||TagB'),
      ...{ sent: [{ tags: 'tagA' }], delivered: [0] },
    }),
    filterCase('testSndTagATagB_SubTagATagB', 'of two wanted tags both are sent: all comes', {
      selector: tag('tagA||tagB'),
      ...{ sent: [{ tags: 'tagA' }, { tags: 'tagB' }], delivered: [0, 1] },
    }),
    filterCase('testSendTagAAndTagB_SubAll', '* takes all tags', {
      selector: tag('*'),
      ...{ sent: [{ tags: 'tagA' }, { tags: 'tagB' }], delivered: [0, 1] },
    }),
    filterCase('testSendTagA_SubTagB', 'a tag that is not wanted does not come', {
      selector: tag('tagB'),
      ...{ sent: [{ tags: 'tagA' }], delivered: [] },
    }),
    filterCase('testSendTagA_SubTagA', 'the wanted tag comes', {
      selector: tag('tagA'),
      ...{ sent: [{ tags: 'tagA' }], delivered: [0] },
    }),
    filterCase('testLongTagSize', 'a tag of ten thousand characters is a tag', {
      selector: tag(longTag),
      ...{ sent: [{ tags: longTag }], delivered: [0] },
    }),
    filterCase('testSubTagWithSpace', 'spaces around wanted tags do not count', {
      selector: tag(' tagA || tagB '),
      ...{ sent: [{ tags: 'tagA' }, { tags: 'tagB' }], delivered: [0, 1] },
    }),
    filterCase('testTagWithSpecialSymbol02', 'messages tagged * come to whoever wants *', {
      selector: tag('*'),
      ...{ sent: [{ tags: '*' }], delivered: [0] },
    }),
    filterCase('testTagWithSpecialSymbol03', 'an empty alternative between two tags wants nothing more', {
      selector: tag('tagA||||tagB'),
      ...{ sent: [{ tags: 'tagA' }, { tags: 'tagB' }], delivered: [0, 1] },
    }),
    filterCase(
      'testSendTagWithSameHashCode_SubWithOne',
      'Aa has the hash of BB, and does not come to whoever wants BB',
      {
        selector: tag('BB'),
        ...{ sent: [{ tags: 'BB' }, { tags: 'Aa' }], delivered: [0] },
      },
    ),
    filterCase('testTagCaseSensitive', 'bb is not BB', {
      selector: tag('BB'),
      ...{ sent: [{ tags: 'BB' }, { tags: 'bb' }], delivered: [0] },
    }),
  ],
};
