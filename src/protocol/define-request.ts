// SPDX-License-Identifier: Apache-2.0
/** How does a table of fields become a request, and a frame its values? Every request is one table; this code only walks it. */
import { ProtocolError } from '../errors/errors.ts';
import type { Namespace } from '../model/namespace.ts';
import type { Field, FieldTable, ValuesOf } from './fields.ts';
import { type ExtFields, encodeFrame, type Frame, type SerializeType } from './frame.ts';
import type { Signer } from './signature.ts';

/** A request: its code, the fields of its header, the fields of its answer's header, and what its answers mean. */
export interface Request<
  Header extends FieldTable = FieldTable,
  Reply extends FieldTable = FieldTable,
  Replies extends Readonly<Record<number, string>> = Readonly<Record<number, string>>,
> {
  readonly name: string;
  readonly code: number;
  readonly header: Header;
  /** Fields of the success answer's header. */
  readonly reply: Reply;
  /** Response codes that are expected outcomes, each with its name. */
  readonly replies: Replies;
}

/** Values of a request's header. */
export type HeaderOf<R extends Request> = ValuesOf<R['header']>;
/** Values of its answer's header. */
export type ReplyHeaderOf<R extends Request> = ValuesOf<R['reply']>;
/** Names of its expected outcomes. */
export type ReplyKindOf<R extends Request> = R['replies'][keyof R['replies']];

type NoFields = Readonly<Record<never, never>>;

/**
 * Defines a request.
 * @example
 * const maxOffset = defineRequest({ name: 'maxOffset', code: 30, header: { topic: text, queueId: int32 }, reply: { offset } });
 */
export function defineRequest<
  const Header extends FieldTable = NoFields,
  const Reply extends FieldTable = NoFields,
  const Replies extends Readonly<Record<number, string>> = { readonly 0: 'done' },
>(definition: {
  readonly name: string;
  readonly code: number;
  readonly header?: Header;
  readonly reply?: Reply;
  readonly replies?: Replies;
}): Request<Header, Reply, Replies> {
  const { name, code, header = {}, reply = {}, replies = { 0: 'done' } } = definition;
  return { name, code, header: header as Header, reply: reply as Reply, replies: replies as Replies }; // an absent table is its type's default
}

export interface RequestOptions {
  readonly opaque: number;
  /** No answer wanted. Default false. */
  readonly oneway?: boolean | undefined;
  readonly body?: Buffer | undefined;
  /** Fields beside the request's own. */
  readonly extra?: ExtFields | undefined;
  /** Whose topics and groups they are. */
  readonly namespace?: Namespace | undefined;
  /** Signs it, with all fields and the body. Default: it is not signed. */
  readonly signer?: Signer | undefined;
  /** Default JSON. */
  readonly serializeType?: SerializeType | undefined;
}

/**
 * The bytes of a request.
 * @throws ProtocolError `RMQ_BAD_HEADER` when a required value is missing
 */
export function encodeRequest<R extends Request>(
  request: R,
  header: HeaderOf<R>,
  options: RequestOptions,
): Buffer {
  const { signer, body } = options;
  const fields = writeFields(request.name, request.header, header, options);
  return encodeFrame({
    code: request.code,
    opaque: options.opaque,
    flag: options.oneway === true ? onewayFlag : 0,
    fields: signer === undefined ? fields : signer.sign(fields, body),
    body,
    serializeType: options.serializeType,
  });
}

const responseFlag = 1;
const onewayFlag = 2;

/**
 * The answer's header. Whether the code is one with this header is the caller's question, see {@link replyKind}.
 * @throws ProtocolError `RMQ_BAD_HEADER` or `RMQ_UNSAFE_OFFSET` naming request and field
 */
export function readReply<R extends Request>(request: R, frame: Frame): ReplyHeaderOf<R> {
  return readFields(`answer to ${request.name}`, request.reply, frame.fields) as ReplyHeaderOf<R>; // the table is the type's source
}

/**
 * A request's header, as the side that serves it reads it; topics and groups as they are called within the namespace.
 * @throws ProtocolError `RMQ_BAD_HEADER` or `RMQ_UNSAFE_OFFSET` naming request and field
 */
export function readHeader<R extends Request>(
  request: R,
  frame: Frame,
  namespace?: Namespace | undefined,
): HeaderOf<R> {
  return readFields(request.name, request.header, frame.fields, namespace) as HeaderOf<R>; // the table is the type's source
}

export interface ReplyOptions {
  /** The request's opaque. */
  readonly opaque: number;
  /** Response code. Default 0, SUCCESS. */
  readonly code?: number | undefined;
  readonly remark?: string | undefined;
  readonly body?: Buffer | undefined;
  readonly extra?: ExtFields | undefined;
  /** Default JSON. */
  readonly serializeType?: SerializeType | undefined;
  readonly language?: string | undefined;
  readonly version?: number | undefined;
}

/** The bytes of an answer. */
export function encodeReply<R extends Request>(
  request: R,
  reply: ReplyHeaderOf<R>,
  options: ReplyOptions,
): Buffer {
  return encodeFrame({
    ...options,
    code: options.code ?? 0,
    flag: responseFlag,
    fields: writeFields(`answer to ${request.name}`, request.reply, reply, options),
  });
}

/** The name of the outcome an answer stands for, or undefined when its code is a failure of this request. */
export function replyKind<R extends Request>(request: R, frame: Frame): ReplyKindOf<R> | undefined {
  const replies: Readonly<Record<number, string>> = request.replies;
  return replies[frame.code] as ReplyKindOf<R> | undefined; // the table is the type's source
}

function writeFields(
  what: string,
  table: FieldTable,
  values: Readonly<Record<string, unknown>>,
  { extra, namespace }: Pick<RequestOptions, 'extra' | 'namespace'>,
): ExtFields {
  const fields: Record<string, string> = {};
  for (const name in table) {
    const field = table[name];
    const value = values[name];
    if (field === undefined) continue;
    if (value !== undefined) fields[name] = wireText(field, value, namespace);
    else if (!field.optional)
      throw new ProtocolError('RMQ_BAD_HEADER', `${what}: ${name} is missing`, { context: { field: name } });
  }
  return Object.assign(fields, namespace?.fields, extra);
}

function wireText(field: Field<unknown>, value: unknown, namespace: Namespace | undefined): string {
  const text = field.write(value);
  return field.isName === true && namespace !== undefined ? namespace.wire(text) : text;
}

function readFields(
  what: string,
  table: FieldTable,
  fields: ExtFields,
  namespace?: Namespace,
): Readonly<Record<string, unknown>> {
  const values: Record<string, unknown> = {};
  for (const name in table) {
    const field = table[name];
    const given = fields[name];
    if (field === undefined) continue;
    const isForeign = field.isName === true && given !== undefined && namespace !== undefined;
    const text = isForeign ? namespace.own(given) : given;
    if (text !== undefined) values[name] = field.read(text) ?? refuse(what, name, text, field.expects);
    else if (!field.optional)
      throw new ProtocolError('RMQ_BAD_HEADER', `${what}: ${name} is missing`, { context: { field: name } });
  }
  return values;
}

/** Longest text shown in a message. Unit: characters. */
const shownLength = 60;

function refuse(what: string, name: string, text: string, expects: string): never {
  const shown = JSON.stringify(text.slice(0, shownLength));
  const code =
    /^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text)) ? 'RMQ_UNSAFE_OFFSET' : 'RMQ_BAD_HEADER';
  throw new ProtocolError(code, `${what}: ${name} is ${shown}, not ${expects}`, { context: { field: name } });
}
