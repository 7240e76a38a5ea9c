// SPDX-License-Identifier: Apache-2.0
/** How does whoever gave a command hear how it ended? */
import type { RocketmqError } from '../errors/errors.ts';

/** Goes with a command; exactly one of the two is called, and what comes after that counts for nothing. */
export interface CommandTicket {
  /** It took effect. */
  done(): void;
  refused(error: RocketmqError): void;
}

/** A ticket that hears one end only, whatever is told to it afterwards. */
export function onceOnly(ticket: CommandTicket): CommandTicket {
  let open = true;
  const first = (tell: () => void): void => {
    if (!open) return;
    open = false;
    tell();
  };
  return {
    done: () => first(() => ticket.done()),
    refused: error => first(() => ticket.refused(error)),
  };
}

/** For a command that is carried out in several places: done when all are, refused with the first refusal once all have answered. */
export function sharedTicket(ticket: CommandTicket, places: number): () => CommandTicket {
  let left = places;
  let failure: RocketmqError | undefined;
  const answered = (error?: RocketmqError): void => {
    left--;
    failure ??= error;
    if (left > 0) return;
    if (failure === undefined) ticket.done();
    else ticket.refused(failure);
  };
  if (places === 0) ticket.done();
  return () => onceOnly({ done: () => answered(), refused: answered });
}
