// SPDX-License-Identifier: Apache-2.0
/** How far has a round of heartbeats come? Pure: a round goes in, a round comes out. */
import { ConnectionError, type RocketmqError } from '../../errors/errors.ts';
import type { Address } from '../../model/route.ts';
import type { BeatRound, HeartbeatInput } from './heartbeat.types.ts';

/** A defence only: the port has time limits of its own. Unit: ms. */
const defaultRoundLimit = 60_000;

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
