// SPDX-License-Identifier: Apache-2.0
/** Who does a client say it is, and how is that kept so that nothing shows it? */
import { inspect } from 'node:util';

/**
 * The user that requests are signed for: of ACL 2.0 (5.x) its name and password, of ACL 1.0 (4.9) an account of plain_acl.yml.
 * Source: SessionCredentials.
 * @example const credentials: Credentials = { accessKey: 'billing', secretKey: process.env['BILLING_SECRET'] ?? '' };
 */
export interface Credentials {
  /** The user's name. It is sent. */
  readonly accessKey: string;
  /** The user's secret: requests are signed with it. It is never sent. */
  readonly secretKey: string;
  /** Of temporary credentials (STS). It is sent. */
  readonly securityToken?: string | undefined;
}

/**
 * Answers the credentials of now: for those that rotate. Asked at the start, before each dial, and when a broker refuses the
 * present ones; at most every 5 s, for at most 10 s.
 * @example credentials: async () => vault.read('billing')
 */
export type CredentialsProvider = () => Credentials | PromiseLike<Credentials>;

/** What the user gave as `credentials`. JSON, `console.log` and templates see nothing of it. */
export class GivenCredentials {
  readonly #given: Credentials | CredentialsProvider;

  constructor(given: Credentials | CredentialsProvider) {
    this.#given = given;
  }

  get(): Credentials | CredentialsProvider {
    return this.#given;
  }

  toJSON(): string {
    return hidden;
  }

  toString(): string {
    return hidden;
  }

  [inspect.custom](): string {
    return hidden;
  }
}

const hidden = '(secret)';
const fields = ['accessKey', 'secretKey', 'securityToken'] as const;

export interface CheckedCredentials {
  /** Undefined: there are problems. Own fields, each read once. */
  readonly credentials: Credentials | undefined;
  /** What is wrong with which field; never its value. `field` is undefined when all of it is wrong. */
  readonly problems: readonly { readonly field: string | undefined; readonly problem: string }[];
}

/** Looks at what a user or his function gave. Throws nothing but what a getter of it throws. */
export function checkCredentials(given: unknown): CheckedCredentials {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    const problem = 'it is no object with accessKey and secretKey';
    return { credentials: undefined, problems: [{ field: undefined, problem }] };
  }
  const read = fields.map(field => [field, Reflect.get(given, field) as unknown] as const);
  const problems = read.flatMap(([field, value]) => {
    const problem = fieldProblem(value, field === 'securityToken');
    return problem === undefined ? [] : [{ field, problem }];
  });
  if (problems.length > 0) return { credentials: undefined, problems };
  const credentials = Object.fromEntries(read.filter(([, value]) => value !== undefined));
  return { credentials: credentials as unknown as Credentials, problems }; // each field was looked at
}

/** Longest value taken. Unit: characters; security tokens have up to a few thousand. */
const longest = 16_384;

function fieldProblem(value: unknown, isOptional: boolean): string | undefined {
  if (value === undefined) return isOptional ? undefined : 'it is missing';
  if (typeof value !== 'string') return 'it is no text';
  if (value === '') return 'it is empty';
  if (value !== value.trim()) return 'it has a space or line break at an end';
  return value.length > longest ? `it has more than ${longest} characters` : undefined;
}
