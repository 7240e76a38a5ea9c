// SPDX-License-Identifier: Apache-2.0
/** Takes messages together with the ticket of the first, as a dispatcher does. */

interface Takeable<Message> {
  readonly nextTicket: number;
  take(max: number): readonly Message[];
}

export interface Taken<Message> {
  readonly first: number;
  readonly messages: readonly Message[];
}

export function takeFrom<Message>(queue: Takeable<Message>, max: number): Taken<Message> {
  const first = queue.nextTicket;
  return { first, messages: queue.take(max) };
}
