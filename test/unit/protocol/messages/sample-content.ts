// SPDX-License-Identifier: Apache-2.0
/** Which texts and noises are in the compressed fixtures? The same function made them when `zstd` and `lz4` compressed them. */

/** Park and Miller's generator: the same numbers everywhere. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

const words =
  'offset queue broker message consumer group retry topic commit pull lock the of a to and in 0 1 17 42 1700000000123 true false {"id": }'.split(
    ' ',
  );

function prose(length: number, seed: number): Buffer {
  const random = seeded(seed);
  let text = '';
  while (text.length < length) text += `${words[Math.floor(random() ** 2 * words.length)]} `;
  return Buffer.from(text.slice(0, length));
}

function noise(length: number, seed: number): Buffer {
  const random = seeded(seed);
  return Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
}

/** Many different distances and lengths: records that share most of their bytes with a random earlier one. */
function records(length: number, seed: number): Buffer {
  const random = seeded(seed);
  const parts: Buffer[] = [];
  for (let made = 0; made < length; ) {
    const earlier = parts[Math.floor(random() * parts.length)];
    const part =
      earlier === undefined || random() < 0.1 ? noise(40 + random() * 400, made + 1) : Buffer.from(earlier);
    part[Math.floor(random() * part.length)] = made & 0xff;
    parts.push(part);
    made += part.length;
  }
  return Buffer.concat(parts).subarray(0, length);
}

const contents: Readonly<Record<string, () => Buffer>> = {
  empty: () => Buffer.alloc(0),
  one: () => Buffer.from('a'),
  short: () => Buffer.from('RocketMQ compresses me! '.repeat(20)),
  zeros: () => Buffer.alloc(700_000),
  noise: () => noise(1_500, 5),
  prose: () => prose(20_000, 7),
  longProse: () => prose(90_000, 11),
  records: () => records(140_000, 13),
  skewed: () => Buffer.from(noise(6_000, 17).map(byte => (byte < 250 ? 65 : byte))),
  mixed: () =>
    Buffer.concat([
      prose(3_000, 19),
      noise(500, 23),
      Buffer.alloc(140_000, 9),
      prose(3_000, 19),
      noise(500, 29),
    ]),
};

export function sampleContent(name: string): Buffer {
  const make = contents[name];
  if (make === undefined) throw new Error(`no content ${name}`);
  return make();
}
