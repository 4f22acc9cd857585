import { generateKeyPairSync, sign } from 'node:crypto';

/** A self-signed certificate for 127.0.0.1 and its key in PEM (RFC 5280 §4.1). */
export function buildCertificate(commonName: string): { certificate: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = der(
    0x30,
    der(0x31, der(0x30, Buffer.concat([oid(2, 5, 4, 3), der(0x0c, Buffer.from(commonName))]))),
  );
  const algorithm = der(0x30, oid(1, 2, 840, 10045, 4, 3, 2));
  const validity = der(0x30, Buffer.concat([utcTime('20200101000000Z'), utcTime('20491231235959Z')]));
  const address = der(0x30, der(0x87, Buffer.from([127, 0, 0, 1])));
  const alternativeName = der(0x30, Buffer.concat([oid(2, 5, 29, 17), der(0x04, address)]));
  const body = der(
    0x30,
    Buffer.concat([
      der(0xa0, der(0x02, Buffer.from([2]))),
      der(0x02, Buffer.from([1])),
      ...[algorithm, name, validity, name],
      publicKey.export({ type: 'spki', format: 'der' }),
      der(0xa3, der(0x30, alternativeName)),
    ]),
  );
  const signature = der(0x03, Buffer.concat([Buffer.from([0]), sign('sha256', body, privateKey)]));
  const certificate = der(0x30, Buffer.concat([body, algorithm, signature])).toString('base64');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** A DER value: tag, length, content (X.690 §8.1). */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const head = length < 128 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
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
