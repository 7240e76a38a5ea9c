// SPDX-License-Identifier: Apache-2.0
// The wire limit of Node: one pull in flight for each queue, headers parsed, bodies sliced, nothing else. No consumer could be
// faster on this machine. Written apart from src on purpose.
//   node scripts/bench/raw-loop.mjs broker=127.0.0.1:10911 topic=orders queues=8 count=1000000
import { connect } from 'node:net';

const options = new Map(process.argv.slice(2).map(argument => argument.split('=', 2)));
const [host, port] = options.get('broker').split(':');
const topic = options.get('topic');
const queues = Number(options.get('queues'));
const count = Number(options.get('count'));
const group = `raw-${process.pid}`;

const bodyLengthAt = 84; // IPv4 hosts, protocol.md section 4
const offsets = new Array(queues).fill(0);
let seen = 0;
let checksum = 0;
let firstAt = 0;
let left = Buffer.alloc(0);

const socket = connect({ host, port: Number(port), noDelay: true });
const cpuBefore = process.cpuUsage();

function write(code, opaque, extFields, body = '') {
  const header = JSON.stringify({
    code,
    language: 'OTHER',
    version: 441,
    opaque,
    flag: 0,
    extFields,
    serializeTypeCurrentRPC: 'JSON',
  });
  const frame = Buffer.allocUnsafe(8 + header.length + body.length);
  frame.writeInt32BE(frame.length - 4, 0);
  frame.writeInt32BE(header.length, 4);
  frame.write(header, 8, 'latin1');
  frame.write(body, 8 + header.length, 'latin1');
  socket.write(frame);
}

function pull(queueId) {
  write(11, queueId, {
    consumerGroup: group,
    topic,
    queueId: String(queueId),
    queueOffset: String(offsets[queueId]),
    maxMsgNums: '32',
    sysFlag: '2',
    commitOffset: '0',
    suspendTimeoutMillis: '15000',
    subVersion: '0',
  });
}

function onFrame(frame) {
  const headerLength = frame.readInt32BE(4) & 0xffffff;
  const header = JSON.parse(frame.latin1Slice(8, 8 + headerLength));
  if (header.opaque === 1000) {
    for (let queueId = 0; queueId < queues; queueId++) pull(queueId);
    return;
  }
  if ((header.flag & 1) === 0) return; // a request of the broker
  const queueId = header.opaque;
  offsets[queueId] = Number(header.extFields.nextBeginOffset);
  if (seen < count) pull(queueId);
  if (header.code !== 0) return;
  if (firstAt === 0) firstAt = performance.now();
  for (let at = 8 + headerLength; at < frame.length; at += frame.readInt32BE(at)) {
    const bodyLength = frame.readInt32BE(at + bodyLengthAt);
    const body = frame.subarray(at + bodyLengthAt + 4, at + bodyLengthAt + 4 + bodyLength);
    checksum = (checksum + body[9]) | 0;
    seen++;
  }
  if (seen >= count) finish();
}

function finish() {
  const ms = performance.now() - firstAt;
  const cpu = process.cpuUsage(cpuBefore);
  socket.destroy();
  console.log(
    JSON.stringify({
      count: seen,
      ms: Math.round(ms),
      rate: Math.round((seen * 1000) / ms),
      cpuMicrosPerMessage: Number(((cpu.user + cpu.system) / seen).toFixed(3)),
      checksum,
    }),
  );
  process.exit(0);
}

socket.on('connect', () => {
  const subscription = {
    classFilterMode: false,
    codeSet: [],
    expressionType: 'TAG',
    subString: '*',
    subVersion: 0,
    tagsSet: [],
    topic,
  };
  const consumer = {
    groupName: group,
    consumeType: 'CONSUME_PASSIVELY',
    messageModel: 'CLUSTERING',
    consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
    subscriptionDataSet: [subscription],
    unitMode: false,
  };
  write(
    34,
    1000,
    {},
    JSON.stringify({ clientID: `127.0.0.1@${group}`, consumerDataSet: [consumer], producerDataSet: [] }),
  );
});
socket.on('data', chunk => {
  let bytes = left.length === 0 ? chunk : Buffer.concat([left, chunk]);
  while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
    const end = 4 + bytes.readInt32BE(0);
    onFrame(bytes.subarray(0, end));
    bytes = bytes.subarray(end);
  }
  left = bytes;
});
