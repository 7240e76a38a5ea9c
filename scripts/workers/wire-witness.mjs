// SPDX-License-Identifier: Apache-2.0
/**
 * Which requests leave this process, when, and to which port? Looks at what is written to sockets, below the library and
 * without its code. One line a request: `code monotonicMs topic#queueId port`; the queue is empty where the request names none.
 */
import { openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { monotonicMs } from './monotonic.mjs';

const responseBit = 1;

/** From now on, for every socket of the process. */
export function witnessWire(file) {
  const out = openSync(file, 'a');
  const rests = new WeakMap();
  const write = Socket.prototype.write;
  Socket.prototype.write = function (chunk, ...others) {
    if (this.remotePort !== undefined && chunk instanceof Uint8Array) {
      rests.set(
        this,
        readFrames(rests.get(this), chunk, header => note(out, header, this.remotePort)),
      );
    }
    return write.call(this, chunk, ...others);
  };
}

function note(out, { code, flag, extFields = {} }, port) {
  if ((flag & responseBit) !== 0) return;
  const { topic, queueId } = extFields;
  const queue = topic === undefined || queueId === undefined ? '' : `${topic}#${queueId}`;
  writeSync(out, `${code} ${monotonicMs().toFixed(3)} ${queue} ${port}\n`);
}

/** Calls `onHeader` for each whole frame and gives back what is left. */
function readFrames(rest, chunk, onHeader) {
  let bytes = rest === undefined || rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
  while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
    const end = 4 + bytes.readInt32BE(0);
    const headerLength = bytes.readUIntBE(5, 3);
    onHeader(JSON.parse(bytes.toString('utf8', 8, 8 + headerLength)));
    bytes = bytes.subarray(end);
  }
  return bytes;
}
