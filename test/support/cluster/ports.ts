// SPDX-License-Identifier: Apache-2.0
// Which TCP ports a new name server or broker may use.

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

// Below the ports that Linux and macOS lend to outgoing connections, which could take one between our look and the bind.
const lowest = 12_000;
const highest = 32_000;
const blockSize = 8;

const taken = new Set<number>();

/** The first port of a block of eight that are all free now. Another process may still be quicker: then take the next. */
export async function freePortBlock(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const first = lowest + randomInt((highest - lowest) / blockSize) * blockSize;
    if (!taken.has(first) && (await areFree(first))) {
      taken.add(first);
      return first;
    }
  }
  throw new Error(`no ${blockSize} free ports in a row between ${lowest} and ${highest}`);
}

export function releasePortBlock(first: number): void {
  taken.delete(first);
}

/** Whether something accepts connections there. */
export function isListening(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port });
    const end = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** Resolves as soon as the port accepts, or with false when `isOver` says to give up. */
export async function untilListening(port: number, isOver: () => boolean, pollMs = 10): Promise<boolean> {
  while (!isOver()) {
    if (await isListening(port)) {
      return true;
    }
    await delay(pollMs);
  }
  return false;
}

async function areFree(first: number): Promise<boolean> {
  for (let port = first; port < first + blockSize; port += 1) {
    if (!(await isFree(port))) {
      return false;
    }
  }
  return true;
}

/** Bound to every interface, as the Java servers do. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    if (server.listening) {
      server.close();
      await once(server, 'close');
    }
  }
}
