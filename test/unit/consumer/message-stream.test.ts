// SPDX-License-Identifier: Apache-2.0
/** When does a loop over messages() begin, and which ways of leaving it send back what it has? */
import { describe, expect, it } from 'vitest';
import { MessageStream, type ReadingPort } from '../../../src/consumer/message-stream.ts';
import type { ReceivedMessage } from '../../../src/consumer/received-message.ts';
import { deferred } from '../../support/builders.ts';

/** Gives the messages one by one, then nothing until it is left or ended; notes what is asked of it. */
class FakePort implements ReadingPort {
  readonly asked: string[] = [];
  readonly #left: unknown[];
  #waiting = deferred<ReceivedMessage | undefined>();
  isAwaited = false;

  constructor(...messages: readonly number[]) {
    this.#left = messages.map(queueOffset => ({ queueOffset }));
  }

  begin(): void {
    this.asked.push('begin');
  }

  async take(): Promise<ReceivedMessage | undefined> {
    if (this.#left.length > 0) return this.#left.shift() as ReceivedMessage; // only its offset is looked at
    this.isAwaited = true;
    this.#waiting = deferred();
    return this.#waiting.promise.finally(() => {
      this.isAwaited = false;
    });
  }

  leave(reason?: { readonly of: unknown }): void {
    this.asked.push('leave');
    if (reason === undefined) this.#waiting.resolve(undefined);
    else this.#waiting.reject(reason.of);
  }

  end(): void {
    this.asked.push('end');
  }

  /** The consumer stops. */
  close(error?: Error): void {
    if (error === undefined) this.#waiting.resolve(undefined);
    else this.#waiting.reject(error);
  }
}

function reading(port: FakePort, signal?: AbortSignal): MessageStream {
  return new MessageStream(port, signal);
}

describe('a loop over messages()', () => {
  it('begins with the first message asked for, not before', async () => {
    const port = new FakePort(0);
    const stream = reading(port);
    expect(stream[Symbol.asyncIterator]()).toBe(stream);
    expect(port.asked).toEqual([]);
    expect((await stream.next()).value?.queueOffset).toBe(0);
    expect(port.asked).toEqual(['begin']);
  });

  it.each([
    [
      'break',
      async (stream: MessageStream) => {
        for await (const _ of stream) break;
      },
    ],
    [
      'return',
      async (stream: MessageStream) => {
        const first = async () => {
          for await (const { queueOffset } of stream) return queueOffset;
          return undefined;
        };
        expect(await first()).toBe(0);
      },
    ],
    [
      'an error',
      async (stream: MessageStream) => {
        const failing = async () => {
          for await (const _ of stream) throw new Error('no money');
        };
        await expect(failing()).rejects.toThrow('no money');
      },
    ],
    [
      'throw',
      async (stream: MessageStream) => {
        await stream.next();
        await expect(stream.throw('why')).rejects.toBe('why');
      },
    ],
    [
      'await using',
      async (stream: MessageStream) => {
        await using kept = stream;
        await kept.next();
      },
    ],
  ])('left by %s leaves once, and is over', async (_, loop) => {
    const port = new FakePort(0, 1);
    const stream = reading(port);
    await loop(stream);
    expect(port.asked).toEqual(['begin', 'leave']);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    await stream.return();
    expect(port.asked).toEqual(['begin', 'leave']);
  });

  it('left before it has begun asks nothing of anybody', async () => {
    const port = new FakePort(0);
    await reading(port).return();
    expect(port.asked).toEqual([]);
  });

  it('ends without sending anything back when the consumer stops', async () => {
    const port = new FakePort(0);
    const seen: number[] = [];
    const loop = (async () => {
      for await (const { queueOffset } of reading(port)) {
        seen.push(queueOffset);
        setImmediate(() => port.close());
      }
    })();
    await loop;
    expect(seen).toEqual([0]);
    expect(port.asked).toEqual(['begin', 'end']);
  });

  it('ends with the error of a consumer that failed', async () => {
    const port = new FakePort();
    const stream = reading(port);
    const waiting = stream.next();
    port.close(new Error('no name server'));
    await expect(waiting).rejects.toThrow('no name server');
    expect(port.asked).toEqual(['begin', 'end']);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });
});

describe('the signal of a loop', () => {
  it('ends one that waits, with its reason', async () => {
    const port = new FakePort();
    const controller = new AbortController();
    const waiting = reading(port, controller.signal).next();
    controller.abort('enough');
    await expect(waiting).rejects.toBe('enough');
    expect(port.asked).toEqual(['begin', 'leave']);
  });

  it('lets one in the middle of a message finish it', async () => {
    const port = new FakePort(0, 1);
    const controller = new AbortController();
    const stream = reading(port, controller.signal);
    await stream.next();
    controller.abort('enough');
    expect(port.asked).toEqual(['begin']);
    await expect(stream.next()).rejects.toBe('enough');
    expect(port.asked).toEqual(['begin', 'leave']);
  });

  it('aborted beforehand begins nothing', async () => {
    const port = new FakePort(0);
    await expect(reading(port, AbortSignal.abort('never')).next()).rejects.toBe('never');
    expect(port.asked).toEqual([]);
  });

  it('is not listened to any more when the loop is over', async () => {
    const port = new FakePort(0);
    const controller = new AbortController();
    const stream = reading(port, controller.signal);
    await stream.next();
    await stream.return();
    controller.abort('late');
    expect(port.asked).toEqual(['begin', 'leave']);
  });
});

describe('a message that came as the loop was left', () => {
  it('was sent back with the others, and is not given to it any more', async () => {
    const port = new FakePort(0, 1);
    const loop = reading(port);
    await loop.next();
    const next = loop.next();
    void loop.return();
    expect([await next, port.asked]).toEqual([{ done: true, value: undefined }, ['begin', 'leave']]);
  });
});
