// SPDX-License-Identifier: Apache-2.0
/** Which event is a line in the log, at which level? The whole answer; what else logs is listed in docs/logging.md. */
import type { ConsumerEvent } from '../machines/consumer/consumer.types.ts';
import type { MessageQueue } from '../model/message-queue.ts';
import type { LogFields, Logger } from '../observability/logger.ts';

type Level = 'trace' | 'debug' | 'info' | 'warn' | 'error';

interface EventRow {
  /** Part of the line's bindings. A fault names its actor itself. */
  readonly actor: string;
  readonly level: Level;
  readonly text: string;
}

/**
 * `error`: a defect. `warn`: somebody may have to act. `info`: the life of the consumer, some lines an hour. `debug`:
 * single messages and flow control. `trace`: what repeats every few seconds.
 */
export const eventLog = {
  'consumer.stateChanged': { actor: 'consumer', level: 'info', text: 'the consumer changed its state' },
  'queue.assigned': { actor: 'queue', level: 'info', text: 'a queue was assigned' },
  'queue.revoked': { actor: 'queue', level: 'info', text: 'a queue was given up' },
  'queue.replicaChanged': { actor: 'queue', level: 'info', text: 'a queue is read from another replica' },
  'offset.committed': { actor: 'queue', level: 'trace', text: 'an offset was committed' },
  'offset.corrected': { actor: 'queue', level: 'warn', text: 'an offset was corrected' },
  'message.retried': { actor: 'queue', level: 'debug', text: 'a failed message will come again' },
  'message.deadLettered': { actor: 'queue', level: 'warn', text: 'a message went to the dead letters' },
  'message.dropped': { actor: 'queue', level: 'warn', text: 'a failed message was dropped' },
  'message.stuck': { actor: 'queue', level: 'warn', text: 'a handler takes longer than consumeTimeout' },
  'message.skipped': { actor: 'queue', level: 'warn', text: 'a message that cannot be read was passed over' },
  'flow.closed': { actor: 'queue', level: 'debug', text: 'pulling stopped' },
  'flow.opened': { actor: 'queue', level: 'debug', text: 'pulling goes on' },
  'subscription.conflict': {
    actor: 'conflicts',
    level: 'warn',
    text: 'members of the group subscribe differently, or again alike',
  },
  'connection.lost': { actor: 'connection', level: 'warn', text: 'a connection was lost' },
  'connection.restored': { actor: 'connection', level: 'info', text: 'a connection is there again' },
  fault: { actor: 'consumer', level: 'warn', text: 'something went wrong' },
} as const satisfies Readonly<Record<ConsumerEvent['type'], EventRow>>;

/** Children kept; a new one is cheap, so that what names many actors only costs that. */
const mostChildren = 256;

/** Writes events as lines, under a child logger for each actor. */
export class EventLog {
  readonly #logger: Logger;
  readonly #children = new Map<string, Logger>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `isHeard`: the user handles events of this type; a fault is then theirs, and a line for debugging only. */
  write(event: ConsumerEvent, isHeard: boolean): void {
    const level = levelOf(event, isHeard);
    if (this.#logger.isLevelEnabled?.(level) === false) return;
    const child = this.#child(bindingsOf(event));
    child[level](fieldsOf(event), event.type === 'fault' ? event.error.message : eventLog[event.type].text);
  }

  #child(bindings: LogFields): Logger {
    const key = Object.values(bindings).join(' ');
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const made = this.#logger.child(bindings);
    if (this.#children.size >= mostChildren) this.#children.clear();
    this.#children.set(key, made);
    return made;
  }
}

function levelOf(event: ConsumerEvent, isHeard: boolean): Level {
  if (event.type !== 'fault') return eventLog[event.type].level;
  if (isHeard) return 'debug';
  return event.error.kind === 'internal' ? 'error' : 'warn';
}

function bindingsOf(event: ConsumerEvent): LogFields {
  if (event.type === 'fault') return { actor: event.actor };
  const { actor } = eventLog[event.type];
  if ('queue' in event) return { actor, queue: nameOf(event.queue), broker: event.queue.brokerName };
  return 'address' in event ? { actor, address: event.address, role: event.role } : { actor };
}

function nameOf({ topic, brokerName, queueId }: MessageQueue): string {
  return `${topic}-${queueId}@${brokerName}`;
}

/** What the bindings do not say. No event has a body, and fields are redacted behind this. */
function fieldsOf(event: ConsumerEvent): LogFields {
  if (event.type === 'fault' || event.type === 'connection.lost') {
    const { code, hint, context } = event.error;
    return { event: event.type, err: event.error, code, hint, context };
  }
  const { type, ...rest } = event;
  const own = Object.entries(rest).filter(([name]) => !['queue', 'address', 'role'].includes(name));
  return { event: type, ...Object.fromEntries(own) };
}
