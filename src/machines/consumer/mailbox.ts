// SPDX-License-Identifier: Apache-2.0
/** Where do a consumer's parts send what they have to tell, before and after its actor is there? */
import type { ConsumerInternalEvent } from './consumer.types.ts';
import type { ConsumerReceiver } from './consumer-parts.ts';

export class Mailbox {
  #consumer: ConsumerReceiver | undefined;

  attach(consumer: ConsumerReceiver): void {
    this.#consumer = consumer;
  }

  /** Before the start there is nobody to tell. */
  send(event: ConsumerInternalEvent): void {
    this.#consumer?.send(event);
  }
}
