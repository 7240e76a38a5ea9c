// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { MemberLists } from '../../src/machines/consumer/member-lists.ts';
import { TestClock } from '../../src/testing/test-clock.ts';
import { turn } from '../support/builders.ts';

const address = '10.0.0.1:10911';
const never = new AbortController().signal;

/** A broker with these members, and what was answered by when. */
function listing() {
  const clock = new TestClock();
  const broker = { members: ['a', 'b'] as readonly string[], asked: 0 };
  const lists = new MemberLists({
    clock,
    query: async () => {
      broker.asked++;
      return broker.members;
    },
  });
  const answers: string[] = [];
  const ask = async (signal = never): Promise<void> => {
    lists.ask(address, signal).then(
      ids => answers.push(`${clock.now()}: ${ids.join('')}`),
      () => answers.push(`${clock.now()}: gave up`),
    );
    await turn();
  };
  const reconnect = (): void => {
    lists.noteGreeted(address);
    lists.noteGreeted(address);
  };
  return { clock, broker, lists, answers, ask, reconnect };
}

describe('a list of members', () => {
  it('is believed at once on our first connection, when nobody is missing, and when our connection is old', async () => {
    const { clock, broker, lists, answers, ask } = listing();
    lists.noteGreeted(address);
    await ask();
    broker.members = ['a', 'b', 'c'];
    await ask();
    broker.members = ['a', 'b'];
    await ask();
    lists.noteGreeted(address);
    await clock.advance(5000);
    broker.members = ['a'];
    await ask();
    expect(answers).toEqual(['0: ab', '0: abc', '0: ab', '5000: a']);
  });

  it('that lacks somebody right after our reconnect is asked for until all are back', async () => {
    const { clock, broker, answers, ask, reconnect } = listing();
    await ask();
    reconnect();
    broker.members = ['a'];
    await ask();
    await clock.advance(1500);
    broker.members = ['b', 'a'];
    await clock.advance(500);
    expect(answers).toEqual(['0: ab', '2000: ba']);
  });

  it('is believed when five seconds have not brought them back', async () => {
    const { clock, broker, answers, ask, reconnect } = listing();
    await ask();
    reconnect();
    broker.members = ['a'];
    await ask();
    await clock.advance(4999);
    expect(answers).toHaveLength(1);
    await clock.advance(1);
    expect([answers, broker.asked]).toEqual([['0: ab', '5000: a'], 7]);
  });

  it('is not waited for any longer than anybody wants it', async () => {
    const { broker, answers, ask, clock, reconnect } = listing();
    await ask();
    reconnect();
    broker.members = ['a'];
    const giveUp = new AbortController();
    await ask(giveUp.signal);
    giveUp.abort();
    await turn();
    expect([answers, clock.pending]).toEqual([['0: ab', '0: gave up'], 0]);
  });
});
