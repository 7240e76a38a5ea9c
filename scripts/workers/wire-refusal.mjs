// SPDX-License-Identifier: Apache-2.0
/**
 * How does a broker behave that refuses one kind of request, when the one at hand does not? From now on such requests are
 * taken out of what this process writes to its sockets and answered here, below the library and without its code.
 */
import { Socket } from 'node:net';

const responseBit = 1;

/**
 * @param {number} code of the requests
 * @param {number} answer the code they are answered with
 */
export function refuse(code, answer) {
  const write = Socket.prototype.write;
  Socket.prototype.write = function (chunk, ...others) {
    if (this.remotePort === undefined || !(chunk instanceof Uint8Array))
      return write.call(this, chunk, ...others);
    const kept = [];
    for (const frame of framesOf(chunk)) {
      const header = headerOf(frame);
      if (header.code !== code || (header.flag & responseBit) !== 0) kept.push(frame);
      else setImmediate(() => this.emit('data', refusal(header, answer)));
    }
    return kept.length === 0 || write.call(this, Buffer.concat(kept), ...others);
  };
}

/** The library writes whole frames, several of one turn together. */
function framesOf(chunk) {
  const frames = [];
  let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  while (rest.length > 0) {
    const end = 4 + rest.readInt32BE(0);
    if (end > rest.length) throw new Error(`half a frame was written: ${rest.length} bytes of ${end}`);
    frames.push(rest.subarray(0, end));
    rest = rest.subarray(end);
  }
  return frames;
}

function headerOf(frame) {
  return JSON.parse(frame.toString('utf8', 8, 8 + frame.readUIntBE(5, 3)));
}

function refusal({ opaque, version }, code) {
  const header = {
    ...{ code, opaque, version, flag: responseBit, language: 'JAVA', serializeTypeCurrentRPC: 'JSON' },
    remark: 'refused by this process itself, as told',
  };
  const json = Buffer.from(JSON.stringify(header));
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + json.length, 0);
  head.writeInt32BE(json.length, 4);
  return Buffer.concat([head, json]);
}
