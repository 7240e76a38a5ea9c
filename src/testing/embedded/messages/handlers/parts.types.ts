// SPDX-License-Identifier: Apache-2.0
/** What do the handlers of messages and offsets work on? */
import type { KnownGroups } from '../known-groups.ts';
import type { LongPolls } from '../long-polls.ts';
import type { MessageBrokerOptions } from '../message-broker.types.ts';
import type { MessageStore } from '../message-store.ts';
import type { MessageWriter } from '../message-writer.ts';
import type { OffsetTable } from '../offset-table.ts';
import type { TopicTable } from '../topic-table.ts';

export interface MessageParts {
  readonly options: MessageBrokerOptions;
  readonly topics: TopicTable;
  readonly offsets: OffsetTable;
  readonly groups: KnownGroups;
  readonly store: MessageStore;
  readonly writer: MessageWriter;
  readonly polls: LongPolls;
  /** The next id for a message that came without one. */
  readonly nextId: () => string;
}
