// SPDX-License-Identifier: Apache-2.0
/** What can go wrong, is it worth trying again, and what should the reader do? One row a code; classes only add context. */

export type ErrorKind = 'usage' | 'network' | 'protocol' | 'broker' | 'security' | 'consume' | 'internal';

/** `never`: the same call will fail again. `later`: wait and try again. `now`: try another peer at once. */
export type RetryAdvice = 'never' | 'later' | 'now';

interface ErrorRow {
  readonly kind: ErrorKind;
  readonly retry: RetryAdvice;
  readonly hint: string;
}

/** Kind, retry and hint of each code: what docs/errors.md is written from. */
export const errorTable = {
  RMQ_CONFIG_INVALID: {
    kind: 'usage',
    retry: 'never',
    hint: 'Fix each option listed in error.problems; docs/configuration.md describes them.',
  },
  RMQ_CONSUMER_STOPPED: {
    kind: 'usage',
    retry: 'never',
    hint: 'A stopped consumer stays stopped; create a new one from the same config.',
  },
  RMQ_CONSUMER_NOT_RUNNING: {
    kind: 'usage',
    retry: 'later',
    hint: 'Wait for start(), or whenRunning(actor), before giving this command.',
  },
  RMQ_COMMAND_REFUSED: {
    kind: 'usage',
    retry: 'never',
    hint: 'The error text names the command and what stood against it: a state, a later command, or too many that wait.',
  },
  RMQ_COMMAND_INVALID: {
    kind: 'usage',
    retry: 'never',
    hint: 'Fix the field of the command that the error text names; nothing was done.',
  },
  RMQ_QUEUE_NOT_OWNED: {
    kind: 'usage',
    retry: 'later',
    hint: 'This consumer does not have the queue now: another member of the group may. The snapshot lists assignedQueues.',
  },
  RMQ_OFFSET_OUT_OF_RANGE: {
    kind: 'usage',
    retry: 'never',
    hint: 'Take an offset within the bounds that the error text names.',
  },
  RMQ_ALREADY_READING: {
    kind: 'usage',
    retry: 'later',
    hint: 'End the other loop first; one loop reads all topics. To work on several messages at once, do not await each of them.',
  },
  RMQ_START_TIMEOUT: {
    kind: 'network',
    retry: 'later',
    hint: 'Check namesrvAddr and that a name server listens there (default port 9876); startTimeout sets the wait.',
  },
  RMQ_PRODUCER_STOPPED: {
    kind: 'usage',
    retry: 'never',
    hint: 'Start the producer before sending, and do not send after shutdown.',
  },
  RMQ_UNSAFE_OFFSET: {
    kind: 'protocol',
    retry: 'never',
    hint: 'Offsets are whole numbers from 0 to 2^53-1.',
  },
  RMQ_CONNECT_FAILED: {
    kind: 'network',
    retry: 'later',
    hint: 'Check that the address is reachable from here. A broker is dialled at what its route says, which is brokerIP1 in broker.conf: inside containers often a private address, to be set to one that is known here.',
  },
  RMQ_TLS_UNTRUSTED: {
    kind: 'security',
    retry: 'never',
    hint: 'Give the certificate of the authority that signed it: tls: { ca }. A broker without certificate files makes itself one at each start (tls.test.mode.enable), which nobody can verify.',
  },
  RMQ_TLS_EXPIRED: {
    kind: 'security',
    retry: 'never',
    hint: "The peer's certificate is over, or not valid yet: renew it there, and compare the clocks of both machines.",
  },
  RMQ_TLS_NAME_MISMATCH: {
    kind: 'security',
    retry: 'never',
    hint: 'Brokers are dialled by the address in the route, mostly an IP: have it in the certificate (subjectAltName), or say which name is there by tls: { servername }, for each broker by a function of the address.',
  },
  RMQ_TLS_CLIENT_CERTIFICATE: {
    kind: 'security',
    retry: 'never',
    hint: 'The peer asks its clients for a certificate (tls.server.need.client.auth=require): give tls: { cert, key }, signed by an authority of its tls.server.trustCertPath.',
  },
  RMQ_TLS_PLAIN_PEER: {
    kind: 'security',
    retry: 'never',
    hint: 'The peer does not speak TLS (tls.server.mode=disabled), or it is another service. Nothing is ever sent in plain text while tls is set.',
  },
  RMQ_TLS_EXPECTED: {
    kind: 'security',
    retry: 'never',
    hint: 'The peer accepts encrypted connections only (tls.server.mode=enforcing): set tls: true, or tls: { ca }.',
  },
  RMQ_TLS_FAILED: {
    kind: 'security',
    retry: 'later',
    hint: 'The settings of tls could not be had or used, or no version and cipher suited both sides; the error text says which.',
  },
  RMQ_CONNECTION_LOST: {
    kind: 'network',
    retry: 'later',
    hint: 'The peer closed the connection or the network broke; it is dialled again by itself.',
  },
  RMQ_REQUEST_TIMEOUT: {
    kind: 'network',
    retry: 'later',
    hint: 'The peer is reachable but slow or hung; look at its load and logs.',
  },
  RMQ_SEND_QUEUE_FULL: {
    kind: 'network',
    retry: 'later',
    hint: 'The peer does not take what is sent; the request was refused before anything was written.',
  },
  RMQ_NOT_A_NAME_SERVER: {
    kind: 'usage',
    retry: 'never',
    hint: 'The address in namesrvAddr is one of a broker. Give that of a name server: it listens on 9876 by default, a broker on 10911.',
  },
  RMQ_NOT_REMOTING: {
    kind: 'protocol',
    retry: 'never',
    hint: 'Something else than RocketMQ remoting answered. Port 8081 is the gRPC proxy and 8080 usually a web page: give the name server port, by default 9876, in namesrvAddr.',
  },
  RMQ_BAD_FRAME: {
    kind: 'protocol',
    retry: 'later',
    hint: 'The peer sent bytes that are no RocketMQ frame; the connection was closed.',
  },
  RMQ_BAD_HEADER: {
    kind: 'protocol',
    retry: 'later',
    hint: 'The header of a frame could not be read; the connection was closed.',
  },
  RMQ_BAD_BODY: {
    kind: 'protocol',
    retry: 'later',
    hint: 'The body of an answer does not have the expected form.',
  },
  RMQ_BAD_JSON: {
    kind: 'protocol',
    retry: 'later',
    hint: 'The text is not JSON in one of the forms RocketMQ writes.',
  },
  RMQ_BAD_MESSAGE: {
    kind: 'protocol',
    retry: 'never',
    hint: 'A stored message could not be read, or is not the one that was stored. onCorruptMessage decides what becomes of it; by default its queue stops in front of it until queue.seek.',
  },
  RMQ_BODY_TOO_LARGE: {
    kind: 'protocol',
    retry: 'never',
    hint: 'Raise maxBodySize if bodies of this size are meant.',
  },
  RMQ_NAME_SERVER_UNAVAILABLE: {
    kind: 'network',
    retry: 'later',
    hint: 'No name server answered; check namesrvAddr. Consumption goes on with the last known routes.',
  },
  RMQ_TOPIC_NOT_FOUND: {
    kind: 'broker',
    retry: 'later',
    hint: 'Create the topic with mqadmin updateTopic, or check its name. A broker with autoCreateTopicEnable=true makes it when something is sent. The route is asked again by itself.',
  },
  RMQ_TOPIC_DELETED: {
    kind: 'broker',
    retry: 'later',
    hint: 'A topic of that name that is created later is found by itself, and read from its beginning. To stop asking, unsubscribe.',
  },
  RMQ_BROKER_REMOVED: {
    kind: 'broker',
    retry: 'later',
    hint: 'Nothing is to be done when the broker was taken out on purpose. When a route names it again, its queues go on where they were committed.',
  },
  RMQ_BROKER_NOT_FOUND: {
    kind: 'broker',
    retry: 'later',
    hint: 'The present route names no address for this broker: it is down, or has no master. The route is asked again by itself.',
  },
  RMQ_BROKER_ADDRESS_REFUSED: {
    kind: 'security',
    retry: 'never',
    hint: 'The route names an address that mapBrokerAddress or allowedBrokerAddresses does not let in, or that is none. Correct the rule, or ask who registers at the name server.',
  },
  RMQ_GROUP_NOT_FOUND: {
    kind: 'broker',
    retry: 'never',
    hint: 'Create the subscription group with mqadmin updateSubGroup, or set autoCreateSubscriptionGroup=true in the broker.',
  },
  RMQ_NO_PERMISSION: {
    kind: 'security',
    retry: 'never',
    hint: 'The broker refuses this user, topic or group; its remark says which right is missing.',
  },
  RMQ_AUTHENTICATION_FAILED: {
    kind: 'security',
    retry: 'never',
    hint: 'Check access key, secret key and security token of the option credentials, and that every broker knows this user; docs/security.md.',
  },
  RMQ_TOPIC_FORBIDDEN: {
    kind: 'security',
    retry: 'never',
    hint: 'Give the user of the option credentials the right SUB on the topic to consume it, PUB to send to it, GET to find offsets by time; docs/security.md.',
  },
  RMQ_GROUP_FORBIDDEN: {
    kind: 'security',
    retry: 'never',
    hint: 'Give the user of the option credentials the right SUB on the consumer group; its retry topic needs no other. docs/security.md.',
  },
  RMQ_CREDENTIALS_FAILED: {
    kind: 'security',
    retry: 'later',
    hint: 'The function given as credentials must answer an access key, a secret key and perhaps a security token within 10 s (docs/security.md). Where there are credentials already, they stay in force.',
  },
  RMQ_OFFSET_NOT_FOUND: {
    kind: 'broker',
    retry: 'never',
    hint: 'No offset of this group is stored for the queue.',
  },
  RMQ_OFFSET_UNKNOWN: {
    kind: 'broker',
    retry: 'later',
    hint: 'The committed offset could not be asked. The queue waits for the broker; it does not guess where to begin.',
  },
  RMQ_COMMIT_WITHHELD: {
    kind: 'consume',
    retry: 'later',
    hint: 'After a pause of this process, commits wait until membership and locks are confirmed again.',
  },
  RMQ_HANDOVER_UNFENCED: {
    kind: 'consume',
    retry: 'later',
    hint: 'The queues go on, and messages the former owner has not committed may come twice. Look for handlers that outlast revokeTimeout there, or raise handoverTimeout; when the broker takes no locks, see the cause.',
  },
  RMQ_LOCK_REFUSED: {
    kind: 'consume',
    retry: 'later',
    hint: 'Another member of the group has taken this queue meanwhile. It is given up here, without a commit.',
  },
  RMQ_REQUEST_NOT_SUPPORTED: {
    kind: 'broker',
    retry: 'never',
    hint: 'This broker version does not know the request; 4.9 and 5.x are supported.',
  },
  RMQ_BROKER_BUSY: {
    kind: 'broker',
    retry: 'later',
    hint: 'The broker sheds load or takes no requests now. The request is repeated after a pause; look at its disk and its thread pools if it lasts.',
  },
  RMQ_SLAVE_BEHIND: {
    kind: 'broker',
    retry: 'later',
    hint: 'The master is away, and its slave has not replicated as far as was read. The queue keeps its place and goes on when the slave has caught up or the master is back.',
  },
  RMQ_NO_REPLICA: {
    kind: 'broker',
    retry: 'later',
    hint: 'Neither the master of this broker nor a slave is connected just now; both are dialled by themselves.',
  },
  RMQ_BROKER_ERROR: {
    kind: 'broker',
    retry: 'later',
    hint: 'The broker failed, or does not do this now; its code and its remark are part of the error text.',
  },
  RMQ_SUBSCRIPTION_INVALID: {
    kind: 'usage',
    retry: 'never',
    hint: 'Fix the topic or selector that the error text names.',
  },
  RMQ_SELECTOR_REFUSED: {
    kind: 'usage',
    retry: 'never',
    hint: 'Fix the SQL92 expression as the broker says in the error text. A broker that does not support the filter needs enablePropertyFilter=true in its broker.conf.',
  },
  RMQ_SUBSCRIPTION_CONFLICT: {
    kind: 'usage',
    retry: 'never',
    hint: 'All members of a group must subscribe to the same topics with the same selectors. Nothing throws this in the present release: the event subscription.conflict tells.',
  },
  RMQ_DUPLICATE_CLIENT_ID: {
    kind: 'usage',
    retry: 'never',
    hint: 'Give every consumer of the group an instanceName of its own, or leave it out. Two with one client id take the same queues, and other queues are taken by nobody.',
  },
  RMQ_CLOCK_SKEW: {
    kind: 'consume',
    retry: 'never',
    hint: 'Set the clocks here and at the broker by NTP. Delays, consumeTimestamp and resets by time are judged by the clock of the broker, ages of messages by ours.',
  },
  RMQ_SUBSCRIPTION_STALE: {
    kind: 'broker',
    retry: 'later',
    hint: 'The broker does not know this subscription (yet); a heartbeat tells it. If it lasts, members of the group subscribe to different topics or selectors.',
  },
  RMQ_HOOK_FAILED: {
    kind: 'consume',
    retry: 'never',
    hint: 'The error text names the function of the config that failed and says what was wrong; what it was asked about went on as if it were not there.',
  },
  RMQ_TRACE_LOST: {
    kind: 'consume',
    retry: 'never',
    hint: 'Messages are consumed as ever; only their traces are missing. Check that the topic named by traceTopic is there and may be written; with very many messages a second not all traces can be kept.',
  },
  RMQ_LISTENER_FAILED: {
    kind: 'consume',
    retry: 'later',
    hint: 'The listener threw. message.retried, message.deadLettered or message.dropped tells what became of the message.',
  },
  RMQ_DIRECT_CONSUME_REFUSED: {
    kind: 'usage',
    retry: 'never',
    hint: 'A broker asked for a single message to be consumed here. Set allowDirectConsume: true if that is wanted; then the error text names what else is missing.',
  },
  RMQ_CONSUME_TIMEOUT: {
    kind: 'consume',
    retry: 'later',
    hint: 'The listener runs longer than consumeTimeout: end it when context.signal aborts, or raise that option. A concurrent message comes again later; an orderly queue waits.',
  },
  RMQ_LISTENER_RESULT: {
    kind: 'usage',
    retry: 'later',
    hint: 'A concurrent listener answers nothing, ConsumeResult.SUCCESS or RECONSUME_LATER, an orderly one nothing or an OrderlyResult (ROLLBACK only where its context does not commit by itself); anything else counts as not done.',
  },
  RMQ_SEND_BACK_FAILED: {
    kind: 'consume',
    retry: 'later',
    hint: 'The failed message could not be handed back; it is consumed again here, and the offset waits for it.',
  },
  RMQ_CALLBACK_FAILED: {
    kind: 'usage',
    retry: 'never',
    hint: 'A callback given to on, subscribe or inspect threw; fix it there.',
  },
  RMQ_ALLOCATION_FAILED: {
    kind: 'usage',
    retry: 'never',
    hint: 'The allocateStrategy threw, or answered other queues than it was offered; fix it there. The present queues are kept.',
  },
  RMQ_MESSAGE_INVALID: {
    kind: 'usage',
    retry: 'never',
    hint: 'Fix the field named in the message; nothing was sent.',
  },
  RMQ_SEND_FAILED: {
    kind: 'broker',
    retry: 'later',
    hint: "The message was not stored; the broker's answer is part of the error text.",
  },
  RMQ_STORE_FULL: {
    kind: 'usage',
    retry: 'never',
    hint: 'Raise maxOffsetStoreSize, or subscribe to fewer queues.',
  },
  RMQ_OFFSET_STORE_CLOSED: {
    kind: 'usage',
    retry: 'never',
    hint: 'A closed offset store stays closed; create a new one.',
  },
  RMQ_OFFSET_STORE_FAILED: {
    kind: 'consume',
    retry: 'later',
    hint: 'The offsetStore of the config threw, hung or answered what is no offset; the text says which call. Consumption goes on; what is not stored comes again after a restart.',
  },
  RMQ_OFFSET_FILE_LOCKED: {
    kind: 'usage',
    retry: 'never',
    hint: 'Give each process an instanceName of its own, which it keeps across restarts. A lock file left by a process that is gone, on another host, may be removed.',
  },
  RMQ_OFFSET_FILE_DAMAGED: {
    kind: 'consume',
    retry: 'never',
    hint: 'Put a good copy in its place, or remove the file and its backup to begin where consumeFromWhere says. Nothing is guessed.',
  },
  RMQ_OFFSET_FILE_RESTORED: {
    kind: 'consume',
    retry: 'never',
    hint: 'What was consumed between the last two writes may come twice. Look at the disk.',
  },
  RMQ_OFFSET_FILE_VERSION: {
    kind: 'usage',
    retry: 'never',
    hint: 'Use the release that wrote the file, or a later one; or remove the file to begin where consumeFromWhere says.',
  },
  RMQ_OFFSET_FILE_UNWRITABLE: {
    kind: 'consume',
    retry: 'later',
    hint: 'Check room and rights at the path that the error text names. Consumption goes on; after a restart, what came since the last good write comes again.',
  },
  RMQ_ABORTED: {
    kind: 'usage',
    retry: 'never',
    hint: 'The wait was given up, by its signal or by a hard stop; nothing is known to be wrong.',
  },
  RMQ_INTERNAL: {
    kind: 'internal',
    retry: 'never',
    hint: 'This is a defect of rocketmq-actors; please report it with the cause.',
  },
} as const satisfies Readonly<Record<string, ErrorRow>>;

/** The code of an error: one of docs/errors.md. */
export type ErrorCode = keyof typeof errorTable;
