// SPDX-License-Identifier: Apache-2.0
/** What can be set of a producer, and what is it by default? */
import { type ConfigProblem, RocketmqError } from '../errors/errors.ts';
import type { AllowedHosts, MapBrokerAddress } from '../model/broker-address.ts';
import {
  type Credentials,
  type CredentialsProvider,
  checkCredentials,
  GivenCredentials,
} from '../model/credentials.ts';
import { HostList, mostHosts, splitHosts } from '../model/host-list.ts';
import { groupProblem } from '../model/names.ts';
import { type NamespaceChoice, namespaceProblem } from '../model/namespace.ts';
import type { Address } from '../model/route.ts';
import { type ResolvedTls, resolveTls, type TlsOption, tlsProblem } from '../model/tls.ts';
import { endpointOf } from '../transport/address.ts';

/** What a producer is told; without `namesrvAddr` the environment says it. */
export interface ProducerOptions {
  /** Name servers: `'a:9876;b:9876'` or an array. Default: the environment, ROCKETMQ_NAMESRV_ADDR or NAMESRV_ADDR. */
  readonly namesrvAddr?: string | readonly string[];
  /** Name of the group this producer belongs to. Default `DEFAULT_PRODUCER_GROUP`. */
  readonly producerGroup?: string;
  /** As the consumer's option of this name: `'tenant-a'` means version 1. Default none. */
  readonly namespace?: string | { readonly name: string; readonly version?: 1 | 2 };
  /** Encrypted connections, as the consumer's option of this name. Default false. */
  readonly tls?: TlsOption;
  /** Where a broker is dialled that announces itself at an address, as the consumer's option of this name. Default: where it says. */
  readonly mapBrokerAddress?: MapBrokerAddress;
  /**
   * The only hosts that brokers of a route are dialled at, as the consumer's option of this name: whoever holds the name server
   * cannot have messages sent elsewhere. A send to a topic without any such broker rejects with `RMQ_BROKER_ADDRESS_REFUSED`.
   * Default: the environment, ROCKETMQ_ALLOWED_BROKER_ADDRESSES; without that any.
   * @example allowedBrokerAddresses: ['10.20.0.0/16', 'broker.example.com']
   */
  readonly allowedBrokerAddresses?: string | readonly string[];
  /**
   * Who signs the requests, as in a consumer's config. Default: ROCKETMQ_ACCESS_KEY, ROCKETMQ_SECRET_KEY and
   * ROCKETMQ_SECURITY_TOKEN; without those nothing is signed.
   */
  readonly credentials?: Credentials | CredentialsProvider | undefined;
  /** How long one try of a send may take, the wait for a connection included. Unit: ms. Default 3000. */
  readonly sendMsgTimeout?: number;
  /** How often a failed send is repeated, where possible at another broker. Unit: times. Default 2. */
  readonly retryTimesWhenSendFailed?: number;
  /** Another name of {@link ProducerOptions.retryTimesWhenSendFailed}: every send is asynchronous here. */
  readonly retryTimesWhenSendAsyncFailed?: number;
  /** Whether large bodies are compressed (zlib); a batch never is. Default true. */
  readonly enableMessageCompression?: boolean;
  /** From which size on. Unit: bytes. Default 4096. */
  readonly compressMsgBodyOverHowmuch?: number;
  /** Largest body, and largest batch. Unit: bytes. Default 4194304, as brokers' maxMessageSize. */
  readonly maxMessageSize?: number;
  /** How long `start` waits for a name server. Unit: ms. Default 15000. */
  readonly startTimeout?: number;
  /** How long `shutdown` waits for sends under way. Unit: ms. Default 10000. */
  readonly shutdownTimeout?: number;
}

export interface ResolvedProducerOptions {
  readonly namesrvAddr: readonly Address[];
  readonly namespace: NamespaceChoice | undefined;
  readonly tls: ResolvedTls;
  readonly mapBrokerAddress: MapBrokerAddress | undefined;
  readonly allowedBrokerAddresses: AllowedHosts | undefined;
  readonly producerGroup: string;
  readonly credentials: GivenCredentials | undefined;
  readonly sendMsgTimeout: number;
  readonly retryTimesWhenSendFailed: number;
  readonly enableMessageCompression: boolean;
  readonly compressMsgBodyOverHowmuch: number;
  readonly maxMessageSize: number;
  readonly startTimeout: number;
  readonly shutdownTimeout: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const numbers = {
  sendMsgTimeout: { byDefault: 3000, min: 1, max: 600_000 },
  retryTimesWhenSendFailed: { byDefault: 2, min: 0, max: 100 },
  compressMsgBodyOverHowmuch: { byDefault: 4096, min: 1, max: 1024 * 1024 * 1024 },
  maxMessageSize: { byDefault: 4 * 1024 * 1024, min: 1, max: 64 * 1024 * 1024 },
  startTimeout: { byDefault: 15_000, min: 1, max: 600_000 },
  shutdownTimeout: { byDefault: 10_000, min: 1, max: 600_000 },
} as const;

/** @throws RocketmqError `RMQ_CONFIG_INVALID` listing everything that is wrong, also in `context.problems` */
export function resolveProducerOptions(options: ProducerOptions, env: Environment): ResolvedProducerOptions {
  const problems: ConfigProblem[] = [];
  const given = { ...options, retryTimesWhenSendFailed: sendRetries(options, problems) };
  const read = (option: keyof typeof numbers): number => {
    const { byDefault, min, max } = numbers[option];
    const value = given[option] ?? byDefault;
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    problems.push({ option, problem: `${value} is not a whole number from ${min} to ${max}` });
    return byDefault;
  };
  const producerGroup = options.producerGroup ?? 'DEFAULT_PRODUCER_GROUP';
  const wrongGroup = groupProblem(producerGroup);
  if (wrongGroup !== undefined) problems.push({ option: 'producerGroup', problem: wrongGroup });
  const resolved: ResolvedProducerOptions = {
    namesrvAddr: nameServers(options, env, problems),
    producerGroup,
    namespace: readNamespace(options, problems),
    tls: readTls(options, problems),
    mapBrokerAddress: readMap(options, problems),
    allowedBrokerAddresses: readAllowed(options, env, problems),
    credentials: credentialsOf(options, env, problems),
    sendMsgTimeout: read('sendMsgTimeout'),
    retryTimesWhenSendFailed: read('retryTimesWhenSendFailed'),
    enableMessageCompression: options.enableMessageCompression ?? true,
    compressMsgBodyOverHowmuch: read('compressMsgBodyOverHowmuch'),
    maxMessageSize: read('maxMessageSize'),
    startTimeout: read('startTimeout'),
    shutdownTimeout: read('shutdownTimeout'),
  };
  if (problems.length > 0) throw configInvalid(problems);
  return resolved;
}

function sendRetries(
  { retryTimesWhenSendFailed, retryTimesWhenSendAsyncFailed }: ProducerOptions,
  problems: ConfigProblem[],
): number | undefined {
  const [one, other] = [retryTimesWhenSendFailed, retryTimesWhenSendAsyncFailed];
  if (one !== undefined && other !== undefined && one !== other) {
    problems.push({
      option: 'retryTimesWhenSendFailed',
      problem:
        'retryTimesWhenSendAsyncFailed is another name of it, and both are given with different values',
    });
  }
  return one ?? other;
}

function nameServers(
  { namesrvAddr }: ProducerOptions,
  env: Environment,
  problems: ConfigProblem[],
): readonly Address[] {
  const given = namesrvAddr ?? env['ROCKETMQ_NAMESRV_ADDR'] ?? env['NAMESRV_ADDR'] ?? '';
  const parts = (typeof given === 'string' ? given.split(';') : given).map(part => part.trim());
  const addresses = [...new Set(parts.filter(part => part !== ''))];
  if (addresses.length === 0) {
    problems.push({ option: 'namesrvAddr', problem: 'it names no address', hint: "Write 'host:9876'." });
  }
  for (const address of addresses) {
    if (endpointOf(address) === undefined) {
      problems.push({ option: 'namesrvAddr', problem: `${JSON.stringify(address)} is not host:port` });
    }
  }
  return addresses;
}

function readNamespace(
  { namespace }: ProducerOptions,
  problems: ConfigProblem[],
): NamespaceChoice | undefined {
  if (namespace === undefined) return undefined;
  const { name, version = 1 } = typeof namespace === 'string' ? { name: namespace } : namespace;
  const problem = namespaceProblem(name);
  if (problem !== undefined) problems.push({ option: 'namespace', problem });
  return { name, version };
}

function readMap(
  { mapBrokerAddress }: ProducerOptions,
  problems: ConfigProblem[],
): MapBrokerAddress | undefined {
  if (mapBrokerAddress !== undefined && typeof mapBrokerAddress !== 'function')
    problems.push({ option: 'mapBrokerAddress', problem: 'it is not a function' });
  return mapBrokerAddress;
}

/** Whatever is wrong refuses the options: a rule that is left out would let in everything. */
function readAllowed(
  { allowedBrokerAddresses }: ProducerOptions,
  env: Environment,
  problems: ConfigProblem[],
): AllowedHosts | undefined {
  const given: unknown = allowedBrokerAddresses ?? env['ROCKETMQ_ALLOWED_BROKER_ADDRESSES'];
  if (given === undefined) return undefined;
  const option = 'allowedBrokerAddresses';
  const parts: unknown = typeof given === 'string' ? splitHosts(given) : given;
  const hosts = new HostList();
  if (!Array.isArray(parts)) problems.push({ option, problem: 'it is neither a string nor an array' });
  else if (parts.length === 0) problems.push({ option, problem: 'it allows no address' });
  else if (parts.length > mostHosts)
    problems.push({ option, problem: `it has ${parts.length} entries, at most ${mostHosts} are allowed` });
  else {
    for (const [index, part] of parts.entries()) {
      const problem = typeof part === 'string' ? hosts.add(part.trim()) : 'it is not a string';
      if (problem !== undefined) problems.push({ option: `${option}[${index}]`, problem });
    }
  }
  return hosts;
}

function readTls({ tls = false }: ProducerOptions, problems: ConfigProblem[]): ResolvedTls {
  const problem = typeof tls === 'function' || tls === false ? undefined : tlsProblem(tls);
  if (problem === undefined) return resolveTls(tls);
  problems.push({ option: 'tls', problem });
  return 'off';
}

function credentialsOf(
  { credentials: given }: ProducerOptions,
  env: Environment,
  problems: ConfigProblem[],
): GivenCredentials | undefined {
  if (typeof given === 'function') return new GivenCredentials(given);
  const set = {
    accessKey: env['ROCKETMQ_ACCESS_KEY'] || undefined,
    secretKey: env['ROCKETMQ_SECRET_KEY'] || undefined,
    securityToken: env['ROCKETMQ_SECURITY_TOKEN'] || undefined,
  };
  const isSet = Object.values(set).some(value => value !== undefined);
  if (given === undefined && !isSet) return undefined;
  const { credentials, problems: found } = checkCredentials(given ?? set);
  for (const { field, problem } of found)
    problems.push({ option: field === undefined ? 'credentials' : `credentials.${field}`, problem });
  return credentials && new GivenCredentials(credentials);
}

function configInvalid(problems: readonly ConfigProblem[]): RocketmqError {
  const lines = problems.map(({ option, problem }) => `${option}: ${problem}`).join('; ');
  return new RocketmqError('RMQ_CONFIG_INVALID', `the producer config is wrong: ${lines}`, {
    context: { problems },
  });
}
