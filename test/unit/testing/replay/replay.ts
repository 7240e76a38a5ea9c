// SPDX-License-Identifier: Apache-2.0
/** What does the embedded cluster answer when it is asked what a real broker was asked, request by request, in its order? */
import { decodeFrame, encodeFrame, type Frame } from '../../../../src/protocol/frame.ts';
import { readRecords } from '../../../../src/protocol/message-record.ts';
import type { EmbeddedCluster } from '../../../../src/testing/embedded/cluster.types.ts';
import { startEmbeddedCluster } from '../../../../src/testing/embedded/embedded-cluster.ts';
import { TestClock } from '../../../../src/testing/test-clock.ts';
import { bytesOf, type Exchange, exchanges, frameBytes } from '../../protocol/wire-samples.ts';
import { type Difference, differencesOf, factsOf } from './facts.ts';
import { ReplayPeer } from './replay-peer.ts';
import { before, connectionOf, type Peers, start, unrecorded } from './session.ts';

/** One recorded exchange and where the embedded cluster does not say the same. */
export interface Compared {
  readonly exchange: Exchange;
  readonly differences: Readonly<Record<string, Difference>>;
}

/** Replays the capture of one release against a fresh embedded cluster with one broker. */
export async function replay(version: string): Promise<readonly Compared[]> {
  const samples = exchanges.filter(each => each.version === version);
  const clock = new TestClock({ wallNow: start(samples).wallNow });
  await using cluster = await startEmbeddedCluster({ clock });
  const peers = await connectAll(cluster, samples);
  try {
    const run = new Replay(cluster, clock, peers);
    await run.prepare(samples, start(samples).committed);
    for (const sample of samples) await run.step(sample);
    return run.compare(samples);
  } finally {
    for (const peer of Object.values(peers)) peer.close();
  }
}

async function connectAll(cluster: EmbeddedCluster, samples: readonly Exchange[]): Promise<Peers> {
  const broker = cluster.broker().address;
  const answer = (request: Frame): Buffer | undefined => clientAnswer(request, samples);
  const [earlier, main, c1, c2] = await Promise.all([
    ReplayPeer.connect(broker),
    ReplayPeer.connect(broker),
    ReplayPeer.connect(broker, answer),
    ReplayPeer.connect(broker),
  ]);
  return { earlier, main, c1, c2, nameServer: await ReplayPeer.connect(cluster.namesrvAddr) };
}

/** What the recorded member c1 answered, as the broker passed it on. */
function clientAnswer(request: Frame, samples: readonly Exchange[]): Buffer | undefined {
  const passedOn = samples.find(
    each => each.response !== undefined && each.request.header.code === request.code,
  )?.response;
  const noOffsets = Buffer.from('{"messageQueueTable":{}}');
  const body = passedOn === undefined ? noOffsets : decodeFrame(frameBytes(passedOn.frameHex)).body;
  const isWanted = (request.flag & 2) === 0;
  const said = { code: 0, opaque: request.opaque, flag: 1, language: 'NODE_JS', version: 477, body };
  return isWanted ? encodeFrame(said) : undefined;
}

class Replay {
  readonly #cluster: EmbeddedCluster;
  readonly #clock: TestClock;
  readonly #peers: Peers;
  readonly #answers = new Map<Exchange, Frame>();
  /** Names the broker gave in the recording → those it gives here. */
  readonly #given = new Map<string, string>();

  constructor(cluster: EmbeddedCluster, clock: TestClock, peers: Peers) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#peers = peers;
  }

  /** What an earlier session had left at the recorded broker: the topic and the group's offsets. */
  async prepare(samples: readonly Exchange[], committed: Readonly<Record<number, number>>): Promise<void> {
    this.#cluster.createTopic('GoldenTopic', { queues: 4 });
    const { earlier } = this.#peers;
    const again = async (name: string, fields: Readonly<Record<string, string>> = {}): Promise<void> => {
      const frame = requestOf(samples, name);
      earlier.send(encodeFrame({ ...frame, fields: { ...frame.fields, ...fields } }));
      const { code } = await earlier.answerTo(frame.opaque);
      if (code !== 0) throw new Error(`${name} is answered with code ${code} before the replay`);
    };
    await again('hb c1');
    for (const [queueId, offset] of Object.entries(committed)) {
      await again('update offset', { queueId, commitOffset: String(offset) });
    }
    await again('unregister');
    earlier.close();
  }

  /** Sends what was sent and keeps what comes; a request of the broker is only compared, at the end. */
  async step(sample: Exchange): Promise<void> {
    const { request, response, name } = sample;
    if (response === undefined) return;
    const { clockMs, frame } = before(name);
    if (frame !== undefined) this.#peers.main.send(frame);
    if (clockMs !== undefined) await this.#clock.advance(clockMs);
    const peer = this.#peers[connectionOf(sample)];
    peer.send(this.#translated(sample));
    await this.#whileHeld(sample);
    const answer = await peer.answerTo(request.header.opaque);
    this.#answers.set(sample, answer);
    this.#learn(decodeFrame(frameBytes(response.frameHex)), answer);
  }

  compare(samples: readonly Exchange[]): readonly Compared[] {
    const asked = new Map<number, number>();
    return samples.map(sample => {
      const { code } = sample.request.header;
      if (sample.response !== undefined) {
        const answer = this.#answers.get(sample);
        return { exchange: sample, differences: compared(sample.response.frameHex, answer) };
      }
      const nth = asked.get(code) ?? 0;
      asked.set(code, nth + 1);
      const push = this.#peers.c1.asked.filter(each => each.code === code)[nth];
      return { exchange: sample, differences: compared(sample.request.frameHex, push) };
    });
  }

  /** A long poll waits until time passes, or until the message comes that was stored meanwhile. */
  async #whileHeld({ name, request }: Exchange): Promise<void> {
    const release = unrecorded(name);
    if (release === undefined) return;
    await this.#untilHeld(request.header.code);
    if (typeof release === 'number') await this.#clock.advance(release);
    else this.#peers.main.send(release);
  }

  async #untilHeld(code: number): Promise<void> {
    for (let turns = 0; turns < 10_000; turns += 1) {
      const last = this.#cluster.requests({ request: code }).at(-1);
      if (last !== undefined && last.answer === undefined) return;
      await new Promise(setImmediate);
    }
    throw new Error(`request ${code} is not held`);
  }

  /** The recorded bytes, unless they name a message by what the recorded broker called it. */
  #translated({ request }: Exchange): Buffer {
    const frame = decodeFrame(frameBytes(request.frameHex));
    const names = ['msgId', 'offset'].flatMap(name => {
      const here = this.#given.get(`${name} ${frame.fields[name]}`);
      return here === undefined ? [] : [[name, here] as const];
    });
    if (names.length === 0) return bytesOf(request.frameHex);
    return encodeFrame({ ...frame, fields: { ...frame.fields, ...Object.fromEntries(names) } });
  }

  #learn(recorded: Frame, here: Frame): void {
    const [ids, idsHere] = [recorded, here].map(frame => frame.fields['msgId']?.split(',') ?? []);
    const [positions, positionsHere] = [recorded, here].map(positionsIn);
    const learn = (name: string, theirs: readonly string[] = [], ours: readonly string[] = []): void => {
      theirs.forEach((each, index) => {
        const given = ours[index];
        if (given !== undefined) this.#given.set(`${name} ${each}`, given);
      });
    };
    learn('msgId', ids, idsHere);
    learn('offset', positions, positionsHere);
  }
}

function compared(recordedHex: string, here: Frame | undefined): Compared['differences'] {
  const recorded = factsOf(decodeFrame(frameBytes(recordedHex)));
  return differencesOf(recorded, here === undefined ? undefined : factsOf(here));
}

/** Where the messages of a body lie in the broker's log. */
function positionsIn({ body }: Frame): readonly string[] {
  const { messages } = readRecords(body, { brokerName: 'broker-a', maxBodySize: 2 ** 24 });
  return messages.map(message => String(message.commitLogOffset));
}

function requestOf(samples: readonly Exchange[], name: string): Frame {
  const found = samples.find(each => each.name === name);
  if (found === undefined) throw new Error(`no sample is called ${name}`);
  return decodeFrame(frameBytes(found.request.frameHex));
}
