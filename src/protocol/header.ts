// SPDX-License-Identifier: Apache-2.0
/** What does every frame say about itself, in either header form? Source: RemotingCommand, protocol.md sections 1.1 to 1.5. */

/**
 * Header fields by name; values are always strings. Read only names you know: a name taken from the wire
 * could be one that every object inherits.
 */
export type ExtFields = Readonly<Record<string, string>>;

/** The two forms a header may have: JSON text, or RocketMQ's binary layout. */
export type SerializeType = 'JSON' | 'ROCKETMQ';

export interface Header {
  /** Request code, or response code in a response. */
  readonly code: number;
  /** Pairs a response with its request; each direction counts for itself. */
  readonly opaque: number;
  /** Bit 0: response. Bit 1: one-way, no answer wanted. */
  readonly flag: number;
  /** Language of the sender; undefined when not said or not known. */
  readonly language: string | undefined;
  /** Version ordinal of the sender, 0 when not said. protocol.md section 1.5. */
  readonly version: number;
  readonly remark: string | undefined;
  readonly fields: ExtFields;
}

/** Language names; the index is the code in a binary header. Source: LanguageCode. */
export const languages: readonly string[] = [
  ...['JAVA', 'CPP', 'DOTNET', 'PYTHON', 'DELPHI', 'ERLANG', 'RUBY'],
  ...['OTHER', 'HTTP', 'GO', 'PHP', 'OMS', 'RUST', 'NODE_JS'],
];

/** Known to every broker; NODE_JS is not before 5.3.2. */
export const ourLanguage = 'OTHER';

/** V5_1_4: new enough for standard JSON from name servers, old enough not to be sent GO_AWAY. */
export const ourVersion = 441;

export const noFields: ExtFields = Object.freeze({});
