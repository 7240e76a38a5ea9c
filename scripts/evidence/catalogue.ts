// SPDX-License-Identifier: Apache-2.0
/** Which promises can be shown? In the order of the README. */
import type { Evidence } from './kit/stage.ts';
import { members } from './members.ts';
import { million } from './million.ts';

export const evidences: readonly Evidence[] = [million, members];
