// SPDX-License-Identifier: Apache-2.0
/** Which bugs would a consumer have to have for its tests to be worth something? Each is planted in turn, and must be noticed. */
import { commanding } from './bugs/commanding.ts';
import { connecting } from './bugs/connecting.ts';
import { flow } from './bugs/flow.ts';
import { givingUp } from './bugs/giving-up.ts';
import { offsets } from './bugs/offsets.ts';
import { pulling } from './bugs/pulling.ts';
import { sendingBack } from './bugs/sending-back.ts';
import { sharing } from './bugs/sharing.ts';
import { startAndStop } from './bugs/start-and-stop.ts';
import { wire } from './bugs/wire.ts';
import type { PlantedBug } from './planted-bug.ts';

/** What they are about; the first of each is found in a second or two, and concerns the core of it. */
export const areas: Readonly<Record<string, readonly PlantedBug[]>> = {
  'start and stop': startAndStop,
  pulling,
  'held messages': flow,
  'giving queues up, locks': givingUp,
  'sharing queues out': sharing,
  offsets,
  'failed messages': sendingBack,
  'routes and connections': connecting,
  commands: commanding,
  'bytes, secrets, hooks': wire,
};

export const bugs: readonly PlantedBug[] = Object.values(areas).flat();

/** For continuous integration: the first bug of every second area. */
export const share: readonly PlantedBug[] = Object.values(areas)
  .filter((_, i) => i % 2 === 1)
  .flatMap(([first]) => first ?? []);
