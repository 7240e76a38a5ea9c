// SPDX-License-Identifier: Apache-2.0
// Certificates for tests, made in milliseconds and without any tool: an authority and what it signs (X.509 v3, RFC 5280; EC P-256).
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

export interface CertificateOptions {
  /** Names and IPv4 addresses it is for. Default 127.0.0.1 and localhost. */
  readonly names?: readonly string[];
  /** Unit: ms since 1970. Default an hour ago. */
  readonly from?: number;
  /** Unit: ms since 1970. Default in a day. */
  readonly to?: number;
  /** Encrypts the key. Default: it is not. */
  readonly passphrase?: string;
}

/** PEM. */
export interface Certificate {
  readonly cert: string;
  /** PKCS #8, as Java brokers read it. */
  readonly key: string;
}

export interface Authority {
  /** Its own certificate, PEM. */
  readonly ca: string;
  issue(options?: CertificateOptions): Certificate;
}

const hour = 3_600_000;

function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, ...parts);
const octets = (...parts: readonly Uint8Array[]): Buffer => tlv(0x04, ...parts);
const explicit = (tag: number, ...parts: readonly Uint8Array[]): Buffer => tlv(0xa0 | tag, ...parts);
const bits = (content: Uint8Array): Buffer => tlv(0x03, Buffer.from([0]), content);
const isTrue = Buffer.from([0x01, 0x01, 0xff]);

/** An object identifier, from the bytes of its usual hex form. */
const oid = (hex: string): Buffer => tlv(0x06, Buffer.from(hex, 'hex'));
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const commonName = oid('550403');
const basicConstraints = oid('551d13');
const subjectAltName = oid('551d11');

function distinguishedName(name: string): Buffer {
  return sequence(tlv(0x31, sequence(commonName, tlv(0x0c, Buffer.from(name)))));
}

function time(at: number): Buffer {
  return tlv(0x18, Buffer.from(`${new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '')}`)); // 20261123120000Z
}

function altNames(names: readonly string[]): Buffer {
  const entries = names.map(name =>
    isIPv4(name) ? tlv(0x87, Buffer.from(name.split('.').map(Number))) : tlv(0x82, Buffer.from(name)),
  );
  return sequence(subjectAltName, octets(sequence(...entries)));
}

interface Content {
  readonly issuer: string;
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly signedBy: KeyObject;
  readonly extension: Buffer;
  readonly from: number;
  readonly to: number;
}

function certificate({ issuer, subject, publicKey, signedBy, extension, from, to }: Content): string {
  const serial = Buffer.from([0x01, ...randomBytes(8)]);
  const content = sequence(
    explicit(0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, serial),
    ecdsaWithSha256,
    distinguishedName(issuer),
    sequence(time(from), time(to)),
    distinguishedName(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(extension)),
  );
  const der = sequence(content, ecdsaWithSha256, bits(sign('sha256', content, signedBy)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

const freshKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

function privatePem(key: KeyObject, passphrase: string | undefined): string {
  const form = { type: 'pkcs8', format: 'pem' } as const;
  const pem =
    passphrase === undefined ? key.export(form) : key.export({ ...form, cipher: 'aes-256-cbc', passphrase });
  return pem.toString();
}

/** One that nobody knows but who is given its `ca`. */
export function createAuthority(name = `Test authority ${randomBytes(4).toString('hex')}`): Authority {
  const { publicKey, privateKey } = freshKeys();
  const now = Date.now();
  const ca = certificate({
    ...{ issuer: name, subject: name, publicKey, signedBy: privateKey },
    ...{ from: now - hour, to: now + 240 * hour },
    extension: sequence(basicConstraints, isTrue, octets(sequence(isTrue))),
  });
  return {
    ca,
    issue: ({
      names = ['127.0.0.1', 'localhost'],
      from = now - hour,
      to = now + 24 * hour,
      passphrase,
    } = {}) => {
      const keys = freshKeys();
      const cert = certificate({
        ...{ issuer: name, subject: names[0] ?? 'nobody', publicKey: keys.publicKey, signedBy: privateKey },
        ...{ from, to, extension: altNames(names) },
      });
      return { cert, key: privatePem(keys.privateKey, passphrase) };
    },
  };
}

/** Signed by itself. */
export function selfSigned(names: readonly string[] = ['127.0.0.1', 'localhost']): Certificate {
  const { publicKey, privateKey } = freshKeys();
  const subject = names[0] ?? 'nobody';
  const now = Date.now();
  const cert = certificate({
    ...{ issuer: subject, subject, publicKey, signedBy: privateKey },
    ...{ from: now - hour, to: now + 24 * hour, extension: altNames(names) },
  });
  return { cert, key: privatePem(privateKey, undefined) };
}
