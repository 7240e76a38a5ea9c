// SPDX-License-Identifier: Apache-2.0
/** Are requests signed as the official client signs them, the hot path's pulls too? Samples: test/fixtures/wire/acl.json. */
import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { queueOffset } from '../../../src/model/queue-offset.ts';
import { encodeRequest } from '../../../src/protocol/define-request.ts';
import { decodeFrame } from '../../../src/protocol/frame.ts';
import { heartbeat } from '../../../src/protocol/requests/heartbeat.ts';
import { preparePull, prepareSignedPull, pullMessage } from '../../../src/protocol/requests/pull-message.ts';
import { Signer } from '../../../src/protocol/signature.ts';

interface Sample {
  readonly name: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly securityToken: string | null;
  readonly bodyHex: string | null;
  readonly extFieldsSignedSortedByKey: Readonly<Record<string, string>>;
  readonly signature: string;
}

const golden: { readonly samples: readonly Sample[] } = JSON.parse(
  readFileSync(new URL('../../fixtures/wire/acl.json', import.meta.url), 'utf8'),
);

function signerOf({ accessKey, secretKey, securityToken }: Sample): Signer {
  return new Signer({ accessKey, secretKey, ...(securityToken !== null && { securityToken }) });
}

/** The fields of a request before it is signed. */
function unsigned({ extFieldsSignedSortedByKey }: Sample): Record<string, string> {
  const { AccessKey: _user, SecurityToken: _token, ...own } = extFieldsSignedSortedByKey;
  return own;
}

describe('a signature', () => {
  it.each(golden.samples.map(sample => [sample.name, sample] as const))(
    'is the official client’s: %s',
    (_, sample) => {
      const body = sample.bodyHex === null ? undefined : Buffer.from(sample.bodyHex, 'hex');
      expect(signerOf(sample).sign(unsigned(sample), body)).toEqual({
        ...sample.extFieldsSignedSortedByKey,
        Signature: sample.signature,
      });
    },
  );

  it('covers the body and all fields of an encoded request', () => {
    const sample =
      golden.samples.find(({ name }) => name.startsWith('heartbeat')) ?? expect.fail('no sample');
    const body = Buffer.from(sample.bodyHex ?? '', 'hex');
    const frame = decodeFrame(
      encodeRequest(heartbeat, {}, { opaque: 1, body, signer: signerOf(sample) }).subarray(4),
    );
    expect({ ...frame.fields }).toEqual({ AccessKey: sample.accessKey, Signature: sample.signature });
    expect(frame.body.equals(body)).toBe(true);
  });
});

describe('a signed pull', () => {
  const text = fc.string({ minLength: 1, maxLength: 20 });
  const number = fc.nat(2 ** 40);

  it('has the fields of a request signed the long way, whatever is in it', () => {
    const constants = fc.record({
      ...{ consumerGroup: text, topic: text, queueId: fc.nat(1000), maxMsgNums: fc.nat(32) },
      ...{
        suspendTimeoutMillis: number,
        subVersion: number,
        subscription: fc.option(text, { nil: undefined }),
      },
      bname: fc.option(text, { nil: undefined }),
      extra: fc.option(fc.record({ ns: text, zz: text }), { nil: undefined }),
    });
    const credentials = fc.record({
      ...{ accessKey: text, secretKey: text },
      securityToken: fc.option(text, { nil: undefined }),
    });
    fc.assert(
      fc.property(constants, credentials, fc.tuple(number, fc.nat(7), number), (own, given, varying) => {
        const [next, sysFlag, commit] = varying;
        const signer = new Signer(given);
        const quick = prepareSignedPull(own, signer)(7, queueOffset(next), sysFlag, queueOffset(commit));
        const { extra, ...header } = own;
        const long = encodeRequest(
          pullMessage,
          { ...header, queueOffset: next, sysFlag, commitOffset: commit },
          { opaque: 7, extra, signer },
        );
        expect(decodeFrame(quick.subarray(4))).toMatchObject({
          ...{ code: 11, opaque: 7, fields: { ...decodeFrame(long.subarray(4)).fields } },
        });
      }),
    );
  });

  it('is the unsigned one with a user and a signature', () => {
    const own = {
      ...{ consumerGroup: 'billing', topic: 'orders', queueId: 0, maxMsgNums: 32 },
      ...{ suspendTimeoutMillis: 15_000, subVersion: 5 },
    };
    const given = [1, queueOffset(10), 2, queueOffset(0)] as const;
    const signed = prepareSignedPull(own, new Signer({ accessKey: 'ak', secretKey: 'sk' }))(...given);
    const { AccessKey, Signature, ...rest } = decodeFrame(signed.subarray(4)).fields;
    expect(AccessKey).toBe('ak');
    expect(Signature).toHaveLength(28);
    expect(rest).toEqual({ ...decodeFrame(preparePull(own)(...given).subarray(4)).fields });
  });
});

describe('a signer', () => {
  it('shows nothing of what it knows', () => {
    const signer = new Signer({ accessKey: 'canary', secretKey: 'canary', securityToken: 'canary' });
    expect(JSON.stringify({ signer }) + inspect({ signer }, { depth: 9, showHidden: true })).not.toContain(
      'canary',
    );
  });
});
