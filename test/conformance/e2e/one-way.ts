// SPDX-License-Identifier: Apache-2.0
/** How is a message sent that nobody answers? Our producer does not; here frames are written by hand. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { ClusterUnderTest } from '../../support/scenario/cluster-under-test.ts';

const sendMessageCode = 10;
/** Bit 1 of the flag: no answer is wanted. */
const onewayFlag = 2;
/** Other: neither Java's nor another client's. */
const language = 'OTHER';
/** V5_1_4. */
const version = 441;

/** Sends each body to queue 0, 1, … of the topic at the first broker; resolves when all were handed to the network. */
export async function sendOneWay(
  { brokers: [broker] }: ClusterUnderTest,
  topic: string,
  bodies: readonly string[],
): Promise<void> {
  if (broker === undefined) throw new Error('there is no broker');
  const [host = '', port] = broker.address.split(':');
  const socket = connect({ host, port: Number(port) });
  await once(socket, 'connect');
  for (const [index, body] of bodies.entries()) socket.write(frameOf(topic, index, body));
  socket.end(); // what was written is read before the end
  await once(socket, 'close');
}

function frameOf(topic: string, index: number, text: string): Buffer {
  const extFields = {
    ...{ producerGroup: 'one-way', topic, defaultTopic: 'TBW102', defaultTopicQueueNums: '4' },
    ...{ queueId: String(index % 8), sysFlag: '0', bornTimestamp: String(Date.now()), flag: '0' },
    ...{ properties: `KEYS\u0001${index}\u0002`, reconsumeTimes: '0', unitMode: 'false' },
  };
  const header = Buffer.from(
    JSON.stringify({ code: sendMessageCode, flag: onewayFlag, language, opaque: index, version, extFields }),
  );
  const body = Buffer.from(text);
  const lengths = Buffer.alloc(8);
  lengths.writeInt32BE(4 + header.length + body.length, 0);
  lengths.writeInt32BE(header.length, 4); // its top byte is the serialize type: 0, JSON
  return Buffer.concat([lengths, header, body]);
}
