// SPDX-License-Identifier: Apache-2.0
/** What does a test of a consumer's methods begin with? The kit of whole consumers, and the plain object over its actor. */
import type { Consumer } from '../../../src/consumer/consumer.ts';
import { createConsumer } from '../../../src/consumer/create-consumer.ts';
import type { ReceivedMessage } from '../../../src/consumer/received-message.ts';
import { ConsumerKit, type KitOptions } from '../../support/consumer-kit.ts';

export interface FaceKit extends ConsumerKit {
  readonly consumer: Consumer;
}

/** With the kit's listener. */
export function faceKit(options: KitOptions = {}): FaceKit {
  return made(options, {});
}

/** Without a listener: for messages(). */
export function readingKit(options: KitOptions = {}): FaceKit {
  return made(options, { listener: undefined });
}

function made({ config, ...options }: KitOptions, without: { readonly listener?: undefined }): FaceKit {
  const consumers: Consumer[] = [];
  const kit = new ConsumerKit({
    ...options,
    config: { ...config, ...without },
    make: (given, environment) => {
      const consumer = createConsumer(given, undefined, environment);
      consumers.push(consumer);
      return consumer.actor;
    },
  });
  const [consumer] = consumers;
  if (consumer === undefined) throw new Error('no consumer was made');
  return Object.assign(kit, { consumer });
}

/** A loop that runs beside the test: what it has seen, and how it ended. */
export interface Loop {
  readonly seen: ReceivedMessage[];
  readonly ended: Promise<unknown>;
  /** 'running', 'over', or what it failed with. */
  outcome: unknown;
}

/** Reads until the consumer stops, or `each` says that it is enough. */
export function loopOver(
  messages: AsyncIterable<ReceivedMessage>,
  // biome-ignore lint/suspicious/noConfusingVoidType: a body that says nothing goes on
  each: (message: ReceivedMessage) => 'enough' | void | Promise<'enough' | void> = message => message.ack(),
): Loop {
  const loop: { -readonly [Key in keyof Loop]: Loop[Key] } = {
    seen: [],
    outcome: 'running',
    ended: Promise.resolve(),
  };
  const run = async (): Promise<void> => {
    for await (const message of messages) {
      loop.seen.push(message);
      if ((await each(message)) === 'enough') break;
    }
  };
  loop.ended = run().then(
    () => {
      loop.outcome = 'over';
    },
    (error: unknown) => {
      loop.outcome = error;
    },
  );
  return loop;
}
