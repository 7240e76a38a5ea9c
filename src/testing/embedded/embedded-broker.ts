// SPDX-License-Identifier: Apache-2.0
/** How do server, messages, clients and locks make a broker that can be killed and started again? */
import { RocketmqError } from '../../errors/errors.ts';
import type { Clock } from '../../model/clock.ts';
import type { Address } from '../../model/route.ts';
import type { AdminSide, Registration } from './admin/admin.types.ts';
import { brokerHandlers } from './admin/broker-handlers.ts';
import { groupHandlers } from './admin/group-handlers.ts';
import { memberHandlers } from './admin/member-handlers.ts';
import { resetOffsetHandlers } from './admin/reset-offset-handler.ts';
import { topicHandlers } from './admin/topic-handlers.ts';
import type { Handlers } from './broker.types.ts';
import { type ClientSide, clientHandlers } from './clients/client-handlers.ts';
import { ClientTable } from './clients/client-table.ts';
import { GroupTable } from './clients/group-table.ts';
import { LockTable } from './clients/lock-table.ts';
import type {
  EmbeddedBroker,
  EmbeddedBrokerOptions,
  EmbeddedMember,
  EmbeddedMessage,
  EmbeddedQueue,
  MessageDamage,
  NewMessage,
  Rule,
} from './cluster.types.ts';
import { MessageBroker } from './messages/message-broker.ts';
import { isSystemTopic } from './messages/topic-rules.ts';
import type { ClusterSettings } from './options.ts';
import { Server, type ServerOptions } from './server.ts';

/** The one cluster there is. */
const clusterName = 'DefaultCluster';

export type BrokerSurroundings = Pick<ServerOptions, 'clock' | 'log' | 'interferences' | 'onActivity'>;

export class BrokerNode implements EmbeddedBroker {
  readonly name: string;
  readonly #messages: MessageBroker;
  readonly #clients: ClientTable;
  readonly #locks: LockTable;
  readonly #server: Server;
  #isRemoved = false;

  constructor(
    { name, port = 0 }: EmbeddedBrokerOptions,
    settings: ClusterSettings,
    around: BrokerSurroundings,
  ) {
    this.name = name;
    const groups = new GroupTable();
    this.#clients = new ClientTable(around.clock);
    this.#locks = new LockTable(around.clock);
    const { messageDelayLevel, autoCreateTopicEnable, defaultTopicQueueNums } = settings;
    this.#messages = new MessageBroker({
      ...{ name, clusterName, messageDelayLevel, autoCreateTopicEnable, defaultTopicQueueNums },
      clock: around.clock,
      address: () => this.address,
      subscriptionOf: (group, topic) => this.#clients.subscriptionOf(group, topic),
      isKnownGroup: group => groups.has(group),
      hasLocks: group => this.#locks.isAnyHeld(group),
      onTopicsChanged: around.onActivity, // name servers look here themselves
    });
    this.#server = new Server({
      ...around,
      name,
      port,
      handlers: this.#handlers(groups, around.clock),
      onDisconnect: peer => this.#clients.disconnected(peer),
      onStarted: () => {
        this.#messages.resume();
        this.#clients.start();
      },
      onKilled: () => {
        this.#messages.halt();
        this.#clients.halt();
        this.#clients.clear();
        this.#locks.clear();
      },
    });
  }

  get address(): Address {
    return this.#server.address;
  }

  get isRunning(): boolean {
    return this.#server.isRunning;
  }

  /** As name servers list it while it runs. */
  get registration(): Registration {
    return { name: this.name, clusterName, address: this.address, topics: this.#messages.topics };
  }

  /** @throws RocketmqError `RMQ_COMMAND_REFUSED` after it was removed; ConnectionError `RMQ_CONNECT_FAILED` when its port is taken */
  async start(): Promise<void> {
    if (this.#isRemoved) {
      throw new RocketmqError('RMQ_COMMAND_REFUSED', `${this.name} was removed from its cluster`);
    }
    await this.#server.start();
  }

  kill(): Promise<void> {
    return this.#server.kill();
  }

  /** Killed for good. */
  remove(): Promise<void> {
    this.#isRemoved = true;
    return this.kill();
  }

  /** Silent members are not looked for meanwhile: a stopped process closes no connection. */
  suspend(): void {
    this.#server.suspend();
    this.#clients.halt();
  }

  resume(): void {
    this.#server.resume();
    if (this.isRunning) this.#clients.start();
  }

  topics(): readonly string[] {
    return this.#messages.topics.names().filter(topic => !isSystemTopic(topic));
  }

  queues(topic: string): readonly EmbeddedQueue[] {
    const queues = this.#messages.topics.get(topic)?.readQueueNums ?? 0;
    return Array.from({ length: queues }, (_, queueId) => ({
      topic,
      brokerName: this.name,
      queueId,
      minOffset: this.#messages.minOffset(topic, queueId),
      maxOffset: this.#messages.maxOffset(topic, queueId),
    }));
  }

  committed(group: string, topic: string, queueId: number): number | undefined {
    return this.#messages.committed(group, topic, queueId);
  }

  members(group: string): readonly EmbeddedMember[] {
    return this.#clients.members(group).map(({ clientId, peer, language, subscriptions }) => ({
      clientId,
      from: peer.address,
      language,
      subscriptions: new Map(subscriptions.map(({ topic, subString }) => [topic, subString])),
    }));
  }

  lockedBy(group: string, topic: string, queueId: number): string | undefined {
    return this.#locks.holder(group, { topic, brokerName: this.name, queueId });
  }

  commit(group: string, topic: string, queueId: number, offset: number): void {
    this.#messages.commit(group, topic, queueId, offset);
  }

  dropMessages(topic: string, queueId: number, before: number): void {
    this.#messages.setMinOffset(topic, queueId, before);
  }

  messages(topic: string, queueId?: number): readonly EmbeddedMessage[] {
    return this.#messages.messages(topic, queueId);
  }

  damage(
    message: Pick<EmbeddedMessage, 'topic' | 'queueId' | 'queueOffset'>,
    what: MessageDamage,
    { times = Number.POSITIVE_INFINITY }: { readonly times?: number } = {},
  ): Rule {
    return this.#messages.damage(message, what, times);
  }

  hasTopic(topic: string): boolean {
    return this.#messages.topics.get(topic) !== undefined;
  }

  createTopic(topic: string, queues: number): void {
    this.#messages.topics.set(topic, { queues });
  }

  /** Stores a message as if a producer had sent it. */
  append(message: NewMessage): EmbeddedMessage {
    const { brokerName: _here, ...content } = message;
    return this.#messages.append(content);
  }

  #handlers(groups: GroupTable, clock: Clock): Handlers {
    const messages = this.#messages;
    const clientSide: ClientSide = {
      clients: this.#clients,
      groups,
      locks: this.#locks,
      ensureTopic: (topic, queues) => {
        messages.topics.ensure(topic, queues);
      },
    };
    const adminSide: AdminSide = {
      brokerName: this.name,
      messages,
      group: name => this.#clients.group(name),
      isKnownGroup: group => groups.has(group),
      setGroup: group => groups.set(group),
      ask: (peer, request, timeoutMs) => this.#server.ask(peer, request, timeoutMs),
    };
    return new Map([
      ...messages.handlers,
      ...clientHandlers(clientSide),
      ...topicHandlers(adminSide),
      ...groupHandlers(adminSide),
      ...memberHandlers(adminSide),
      ...resetOffsetHandlers(adminSide),
      ...brokerHandlers(clock),
    ]);
  }
}
