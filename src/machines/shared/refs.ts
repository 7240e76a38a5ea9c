// SPDX-License-Identifier: Apache-2.0
/** How do actors know each other? By what may be sent to them, and nothing else. */

/** Anything that takes events: a parent given in `input`, a sibling, or a fake in a test. Typed, so no wrong event can be sent. */
export interface Receiver<Event extends { readonly type: string }> {
  send(event: Event): void;
}
