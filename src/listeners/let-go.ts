// SPDX-License-Identifier: Apache-2.0
/** How does a listener of ours say that nobody has looked at what it was given? */

/**
 * An answer beside the public ones: the messages were not tried. They are delivered again from here as soon as calls may
 * start, without a send-back and without counting as an attempt; the offset waits for them.
 */
export const letGo: unique symbol = Symbol('letGo');
