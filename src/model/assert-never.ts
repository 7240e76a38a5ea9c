// SPDX-License-Identifier: Apache-2.0
/** Closes a switch over a union: a member without a case is a compile error, and a value from outside is a typed one. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected value ${String(value)}`);
}
