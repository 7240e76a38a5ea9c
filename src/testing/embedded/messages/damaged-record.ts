// SPDX-License-Identifier: Apache-2.0
/** How does a stored message look that was changed on disk or on the way? */
import { hostSizes, layout, viewOf } from '../../../protocol/record-layout.ts';
import type { MessageDamage } from '../cluster.types.ts';

/** Far past whatever may follow in an answer. */
const lengthBit = 0x4000_0000;

/** A changed copy of a record, which has a body. */
export function damagedRecord(record: Buffer, what: MessageDamage): Buffer {
  const copy = Buffer.from(record);
  const view = viewOf(copy);
  if (what === 'length') {
    view.setInt32(layout.size, view.getInt32(layout.size) ^ lengthBit);
  } else {
    const at = layout.body + hostSizes(view.getInt32(layout.sysFlag));
    view.setUint8(at, view.getUint8(at) ^ 1);
  }
  return copy;
}
