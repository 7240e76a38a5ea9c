// SPDX-License-Identifier: Apache-2.0
/** How far has a round of heartbeats come? Pure: a round goes in, a round comes out. */
import { ConnectionError, type RocketmqError } from '../../errors/errors.ts';
import type { Address } from '../../model/route.ts';
import type { BeatRound, HeartbeatInput, Hurry } from './heartbeat.types.ts';

/** A defence only: the port has time limits of its own. Unit: ms. */
const defaultRoundLimit = 60_000;

/** Least pause between two beats that were hurried; doubles up to the interval. Unit: ms. */
const hurryFloor = 1000;
/** After so many intervals without one it begins anew. */
const calmIntervals = 2;

export const noHurry: Hurry = { beats: 0, at: 0 };

/** How long a beat waits that a refused pull asks for. Unit: ms, 0 or more. */
export function pauseBefore(
  hurry: Hurry,
  { interval, now }: Pick<HeartbeatInput, 'interval' | 'now'>,
): number {
  if (isCalm(hurry, { interval, now })) return 0;
  const pause = Math.min(hurryFloor * 2 ** (hurry.beats - 1), interval);
  return Math.max(0, hurry.at + pause - now());
}

/** One more beat was hurried, now. */
export function hurried(hurry: Hurry, around: Pick<HeartbeatInput, 'interval' | 'now'>): Hurry {
  return { beats: isCalm(hurry, around) ? 1 : hurry.beats + 1, at: around.now() };
}

function isCalm({ beats, at }: Hurry, { interval, now }: Pick<HeartbeatInput, 'interval' | 'now'>): boolean {
  return beats === 0 || now() - at >= calmIntervals * interval;
}

/** Longest a round may last. Unit: ms. */
export function roundLimitOf({ roundLimit }: HeartbeatInput): number {
  return roundLimit ?? defaultRoundLimit;
}

/** A round that has just begun. */
export function roundOf(addresses: readonly Address[]): BeatRound {
  return { waitingFor: [...new Set(addresses)], answered: [], failed: [] };
}

export function withAnswer(round: BeatRound, address: Address): BeatRound {
  return { ...round, waitingFor: without(round, address), answered: [...round.answered, address] };
}

export function withFailure(round: BeatRound, address: Address, error: RocketmqError): BeatRound {
  return { ...round, waitingFor: without(round, address), failed: [...round.failed, { address, error }] };
}

/** A round that is given up: whoever has not answered by now counts as failed. */
export function givenUp(round: BeatRound, because: (address: Address) => RocketmqError): BeatRound {
  return round.waitingFor.reduce((rest, address) => withFailure(rest, address, because(address)), round);
}

/** Why a broker counts as failed when its round lasted too long. */
export function overdue(input: HeartbeatInput, address: Address): RocketmqError {
  const timeoutMs = roundLimitOf(input);
  const message = `heartbeat to ${address} was not settled within ${timeoutMs} ms`;
  return new ConnectionError('RMQ_REQUEST_TIMEOUT', message, { context: { address, timeoutMs } });
}

function without(round: BeatRound, address: Address): readonly Address[] {
  return round.waitingFor.filter(other => other !== address);
}
