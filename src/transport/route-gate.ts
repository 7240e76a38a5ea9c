// SPDX-License-Identifier: Apache-2.0
/** Which addresses of a route are let in? All that are dialled come through here; one that is refused is told once. */
import { RocketmqError } from '../errors/errors.ts';
import type { AllowedHosts, MapBrokerAddress } from '../model/broker-address.ts';
import type { Address, BrokerData, TopicRoute } from '../model/route.ts';
import { endpointOf } from './address.ts';

export interface RouteGateOptions {
  readonly map?: MapBrokerAddress | undefined;
  /** Of the mapped address. Default: any host. */
  readonly allowed?: AllowedHosts | undefined;
  /** Once for each address. */
  readonly onRefused: (error: RocketmqError) => void;
}

/** A name server that makes up addresses must not fill memory or logs. */
const mostTold = 1000;

/** A broker whose addresses are all refused stays in the route: all members share its queues alike, and nobody here dials it. */
export class RouteGate {
  readonly #options: RouteGateOptions;
  readonly #told = new Set<Address>();

  constructor(options: RouteGateOptions) {
    this.#options = options;
  }

  admit(route: TopicRoute): TopicRoute {
    return { ...route, brokers: route.brokers.map(broker => this.#admitBroker(broker)) };
  }

  #admitBroker(broker: BrokerData): BrokerData {
    const addresses = new Map<number, Address>();
    for (const [id, announced] of broker.addresses) {
      const judged = this.#judge(announced);
      if ('address' in judged) addresses.set(id, judged.address);
      else this.#refuse(broker.brokerName, announced, judged);
    }
    return { ...broker, addresses };
  }

  #judge(announced: Address): { readonly address: Address } | Refusal {
    if (endpointOf(announced) === undefined) return { rule: 'host:port', why: 'it is not host:port' };
    const mapped = this.#mapped(announced);
    if (typeof mapped !== 'string') return mapped;
    const endpoint = endpointOf(mapped);
    if (endpoint === undefined)
      return {
        rule: 'mapBrokerAddress',
        why: `mapBrokerAddress answered ${shown(mapped)}, which is not host:port`,
      };
    const { allowed } = this.#options;
    if (allowed === undefined || allowed.has(endpoint.host)) return { address: mapped };
    const via = mapped === announced ? '' : ` (mapped to ${shown(mapped)})`;
    return {
      rule: 'allowedBrokerAddresses',
      why: `allowedBrokerAddresses does not name ${endpoint.host}${via}`,
    };
  }

  #mapped(announced: Address): Address | Refusal {
    const { map } = this.#options;
    if (map === undefined) return announced;
    const rule = 'mapBrokerAddress';
    try {
      const mapped: unknown = map(announced);
      if (typeof mapped === 'string') return mapped;
      return {
        rule,
        why: mapped === null ? 'mapBrokerAddress refuses it' : 'mapBrokerAddress answered no text',
      };
    } catch (cause) {
      return { rule, why: 'mapBrokerAddress threw', cause };
    }
  }

  #refuse(brokerName: string, announced: Address, { rule, why, cause }: Refusal): void {
    if (this.#told.has(announced) || this.#told.size >= mostTold) return;
    this.#told.add(announced);
    const last = this.#told.size === mostTold ? `; further ones are refused without a word` : '';
    this.#options.onRefused(
      new RocketmqError(
        'RMQ_BROKER_ADDRESS_REFUSED',
        `the address ${shown(announced)} of ${shown(brokerName)} is not dialled: ${why}${last}`,
        { context: { address: announced, brokerName, rule }, cause },
      ),
    );
  }
}

interface Refusal {
  /** The option, or form, that stands against it. */
  readonly rule: string;
  readonly why: string;
  readonly cause?: unknown;
}

const longestShown = 100;

/** A name server may send anything: printable, and short enough for a line. */
function shown(text: string): string {
  const line = text.slice(0, longestShown).replace(/\p{Cc}/gu, '?');
  return text.length <= longestShown ? line : `${line}…`;
}
