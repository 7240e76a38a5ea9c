// SPDX-License-Identifier: Apache-2.0
/** Java's String.hashCode: brokers file and filter tags by it. */
export function javaHashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0;
  return hash;
}
