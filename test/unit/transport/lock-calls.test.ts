// SPDX-License-Identifier: Apache-2.0
/** What exactly is asked of a broker for locks, and what is made of its answers? */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lockQueues, unlockQueues } from '../../../src/transport/lock-calls.ts';
import { type Answerer, exchange } from '../../support/transport-kit.ts';

/** Bodies as the official client and broker write them. Provenance: test/fixtures/wire/README.md. */
const golden: { readonly encoded: Readonly<Record<string, string>> } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/wire/bodies-5.5.0.json'), 'utf8'),
);
const [asked, granted, none, givenBack] = [
  'lock-batch-request',
  'lock-batch-response',
  'lock-batch-response-empty',
  'unlock-batch-request',
].map(name => golden.encoded[name] ?? expect.fail(`${name} is missing`));

const address = '10.0.0.1:10911';
const queues = [0, 1].map(queueId => ({ topic: 'GoldenTopic', brokerName: 'broker-a', queueId }));
const request = { clientId: '10.0.0.1@1', consumerGroup: 'GID_golden', queues };
const options = { timeoutMs: 1000 };

/** A broker that answers everything the same. */
function brokerAnswering(reply: ReturnType<Answerer>) {
  const { switchboard, asked: frames, clock, connected } = exchange(() => reply);
  const requests = () => frames.map(({ frame }) => [frame.code, JSON.parse(String(frame.body))]);
  return { line: switchboard.line(address), requests, clock, connected, frames };
}

describe('a lock', () => {
  it('is asked for as the official client does, for all queues in one request', async () => {
    const { line, requests } = brokerAnswering({ code: 0, body: Buffer.from(granted ?? '') });
    expect(await lockQueues(line, request, options)).toEqual([queues[0]]);
    expect(requests()).toEqual([[41, JSON.parse(asked ?? '')]]);
  });

  it('is told while the answer is read, before anybody who waits for the promise hears of it', async () => {
    const { line } = brokerAnswering({ code: 0, body: Buffer.from(granted ?? '') });
    const order: string[] = [];
    const locking = lockQueues(line, request, {
      ...options,
      onGranted: ours => order.push(`told ${ours.length}`),
    });
    await locking.then(() => order.push('settled'));
    expect(order).toEqual(['told 1', 'settled']);
  });

  it('that nobody was granted is an answer, not a failure', async () => {
    const { line } = brokerAnswering({ code: 0, body: Buffer.from(none ?? '') });
    expect(await lockQueues(line, request, options)).toEqual([]);
  });

  it('can be asked for over a connection that is still being greeted', async () => {
    const { connected, frames } = brokerAnswering({ code: 0, body: Buffer.from(granted ?? '') });
    const { channel } = connected(address);
    expect(await lockQueues(channel, request, options)).toEqual([queues[0]]);
    expect(frames).toHaveLength(1);
  });

  it.each([1, 3, 16])(
    'refused with %i rejects with that code and the name of the thing',
    async responseCode => {
      const { line } = brokerAnswering({ code: responseCode, remark: 'no' });
      await expect(lockQueues(line, request, options)).rejects.toMatchObject({
        responseCode,
        context: { responseCode, address },
        message: expect.stringMatching(
          /^lock of 2 queues at 10\.0\.0\.1:10911 for GID_golden refused by .* with \d+ /,
        ),
      });
    },
  );

  it.each(['', '{"lockOKMQSet":3}', '{"lockOKMQSet"'])('answered by %j cannot be read', async body => {
    const { line } = brokerAnswering({ code: 0, body: Buffer.from(body) });
    const onGranted = (): void => expect.fail('there is nothing to tell');
    await expect(lockQueues(line, request, { ...options, onGranted })).rejects.toMatchObject({
      kind: 'protocol',
    });
  });

  it('does not wait for a connection: its queues may be given up by then, and would be locked for nobody', async () => {
    const { switchboard, wanted } = exchange(() => undefined, [address]);
    const line = switchboard.line(address);
    await expect(lockQueues(line, request, options)).rejects.toMatchObject({
      code: 'RMQ_CONNECTION_LOST',
      message: `lock of 2 queues at ${address} for GID_golden was not asked for: no connection to ${address}`,
      context: { address },
    });
    expect([line.waitingCalls, wanted]).toEqual([0, [address]]);
  });

  it('that is never answered says what it was about', async () => {
    const { line, clock } = brokerAnswering(undefined);
    const outcome = expect(
      lockQueues(line, { ...request, queues: queues.slice(0, 1) }, options),
    ).rejects.toThrow(`lock of 1 queue at ${address} for GID_golden timed out after 1000 ms`);
    await clock.advance(1000);
    await outcome;
  });

  it('is not waited for any more once its signal is aborted', async () => {
    const { line } = brokerAnswering(undefined);
    await expect(
      lockQueues(line, request, { ...options, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'RMQ_ABORTED' });
  });
});

describe('an unlock', () => {
  it('is a request with an answer, in the name of whoever has the lock', async () => {
    const { line, requests, frames } = brokerAnswering({ code: 0 });
    await unlockQueues(line, { ...request, queues: queues.slice(0, 1) }, options);
    expect(requests()).toEqual([[42, JSON.parse(givenBack ?? '')]]);
    expect(frames.map(({ frame }) => frame.flag)).toEqual([0]);
  });

  it('that is refused rejects', async () => {
    const { line } = brokerAnswering({ code: 16, remark: 'no right' });
    await expect(unlockQueues(line, request, options)).rejects.toMatchObject({
      code: 'RMQ_NO_PERMISSION',
      message: expect.stringContaining('unlock of 2 queues'),
    });
  });
});
