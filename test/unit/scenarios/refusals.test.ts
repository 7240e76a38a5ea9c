// SPDX-License-Identifier: Apache-2.0
/** Is what a member asks refused before it reaches the broker, and everything else passed on byte by byte? */
import { expect, test } from 'vitest';
import type { Dialer, SocketHandlers } from '../../../src/transport/ports.ts';
import { turn } from '../../support/builders.ts';
import { Refusals } from '../../support/scenario/refusals.ts';

function frame(header: { readonly code: number; readonly opaque: number; readonly flag: number }): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + text.length, 0);
  lengths.writeInt32BE(text.length, 4);
  return Buffer.concat([lengths, text]);
}

async function connected(refusals: Refusals) {
  const arrived: Buffer[] = [];
  const answers: unknown[] = [];
  const dialer: Dialer = {
    dial: async () => ({
      write: bytes => arrived.push(Buffer.from(bytes)),
      destroy: () => {},
      queuedBytes: 0,
      localAddress: undefined,
    }),
  };
  const handlers: SocketHandlers = {
    onData: chunk => answers.push(JSON.parse(chunk.toString('utf8', 8))),
    onClose: () => {},
  };
  const options = { signal: new AbortController().signal, timeoutMs: 1 };
  const socket = await refusals.dialer(dialer).dial('b:1', handlers, options);
  return { socket, arrived: () => Buffer.concat(arrived), answers };
}

test('a request is answered as told and does not arrive, until it is accepted again; others always arrive', async () => {
  const refusals = new Refusals();
  const { socket, arrived, answers } = await connected(refusals);
  const [lock, pull] = [frame({ code: 41, opaque: 7, flag: 0 }), frame({ code: 11, opaque: 8, flag: 0 })];
  refusals.refuse(41, 16);
  for (const byte of Buffer.concat([pull, lock, pull])) socket.write(Buffer.of(byte));
  expect(arrived()).toEqual(Buffer.concat([pull, pull]));
  expect(answers).toEqual([]); // never inside the write
  await turn();
  expect(answers).toMatchObject([{ code: 16, opaque: 7, flag: 1 }]);
  refusals.accept(41);
  socket.write(lock);
  expect(arrived()).toEqual(Buffer.concat([pull, pull, lock]));
});

test('a one-way request is swallowed, and an answer of ours with that code passes', async () => {
  const refusals = new Refusals();
  const { socket, arrived, answers } = await connected(refusals);
  const response = frame({ code: 41, opaque: 7, flag: 1 });
  refusals.refuse(41, 16);
  socket.write(frame({ code: 41, opaque: 7, flag: 2 }));
  socket.write(response);
  await turn();
  expect([arrived(), answers]).toEqual([response, []]);
});
