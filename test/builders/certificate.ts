import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** A certificate and its key (PKCS #8), in PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** The paths of a certificate and its key. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A self-signed certificate for 127.0.0.1. */
export function buildCertificate(commonName: string): Certificate {
  const pair = newKeyPair();
  return issue({ subject: commonName, pair, issuer: commonName, signingKey: pair.privateKey }, [
    alternativeAddresses(['127.0.0.1']),
  ]);
}

/** A certificate authority that writes its certificate and those that it signs to a directory. */
export class CertificateAuthority implements CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  readonly #pair = newKeyPair();

  constructor(
    private readonly directory: string,
    private readonly name: string,
  ) {
    const own = { subject: name, pair: this.#pair, issuer: name, signingKey: this.#pair.privateKey };
    ({ certificate: this.certificate, key: this.key } = this.#write(name, issue(own, [IS_AUTHORITY])));
  }

  /** Signs a certificate for a name; that of a server is for `addresses` (IPv4). */
  sign(subject: string, addresses: readonly string[] = []): CertificateFiles {
    const request = { subject, pair: newKeyPair(), issuer: this.name, signingKey: this.#pair.privateKey };
    return this.#write(
      subject,
      issue(request, addresses.length > 0 ? [alternativeAddresses(addresses)] : []),
    );
  }

  #write(name: string, { certificate, key }: Certificate): CertificateFiles {
    const file = path.join(this.directory, name);
    writeFileSync(`${file}.crt`, certificate);
    writeFileSync(`${file}.key`, key);
    return { certificate: `${file}.crt`, key: `${file}.key` };
  }
}

interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function newKeyPair(): KeyPair {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

interface Request {
  readonly subject: string;
  readonly pair: KeyPair;
  readonly issuer: string;
  readonly signingKey: KeyObject;
}

/** A certificate of RFC 5280 §4.1, signed with ECDSA and SHA-256. */
function issue({ subject, pair, issuer, signingKey }: Request, extensions: readonly Buffer[]): Certificate {
  const algorithm = der(0x30, oid(1, 2, 840, 10045, 4, 3, 2));
  const validity = der(0x30, utcTime('20200101000000Z'), utcTime('20491231235959Z'));
  const body = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([nextSerial++])),
    ...[algorithm, distinguishedName(issuer), validity, distinguishedName(subject)],
    pair.publicKey.export({ type: 'spki', format: 'der' }),
    ...(extensions.length > 0 ? [der(0xa3, der(0x30, ...extensions))] : []),
  );
  const signature = der(0x03, Buffer.from([0]), sign('sha256', body, signingKey));
  const certificate = der(0x30, body, algorithm, signature).toString('base64');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
    key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** Certificates of an issuer need different serial numbers; one byte is enough for a test. */
let nextSerial = 1;

/** basicConstraints: certificates that it signs are accepted (RFC 5280 §4.2.1.9). */
const IS_AUTHORITY = der(
  0x30,
  oid(2, 5, 29, 19),
  der(0x01, Buffer.from([0xff])),
  der(0x04, der(0x30, der(0x01, Buffer.from([0xff])))),
);

/** subjectAltName with IPv4 addresses (RFC 5280 §4.2.1.6). */
function alternativeAddresses(addresses: readonly string[]): Buffer {
  const names = addresses.map((address) => der(0x87, Buffer.from(address.split('.').map(Number))));
  return der(0x30, oid(2, 5, 29, 17), der(0x04, der(0x30, ...names)));
}

/** A name that consists of a common name. */
function distinguishedName(commonName: string): Buffer {
  return der(0x30, der(0x31, der(0x30, oid(2, 5, 4, 3), der(0x0c, Buffer.from(commonName)))));
}

/** A DER value: tag, length, content (X.690 §8.1). */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const whole = Buffer.concat(content);
  const { length } = whole;
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), whole]);
}

/** An object identifier (X.690 §8.19). */
function oid(first: number, second: number, ...rest: number[]): Buffer {
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const digits = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return der(0x06, Buffer.from(bytes));
}

/** A UTCTime from `YYYYMMDDhhmmssZ`; UTCTime omits the century. */
function utcTime(time: string): Buffer {
  return der(0x17, Buffer.from(time.slice(2)));
}
