import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** The paths of a certificate and its key. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority in a folder, made by openssl(1). */
export class CertificateAuthority implements CertificateFiles {
  private constructor(
    private readonly directory: string,
    readonly certificate: string,
    readonly key: string,
  ) {}

  static async make(directory: string, name: string): Promise<CertificateAuthority> {
    const { certificate, key } = filesOf(directory, name);
    await openssl([
      'req',
      '-x509',
      ...NEW_KEY,
      '-subj',
      `/CN=${name}`,
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      certificate,
    ]);
    return new CertificateAuthority(directory, certificate, key);
  }

  /** Signs a certificate for a name; of a server, `addresses` are those that it is reached by. */
  async sign(name: string, addresses: readonly string[] = []): Promise<CertificateFiles> {
    const { certificate, key } = filesOf(this.directory, name);
    const [request, extensions] = [`${certificate}.csr`, `${certificate}.ext`];
    await openssl(['req', ...NEW_KEY, '-subj', `/CN=${name}`, '-keyout', key, '-out', request]);
    const names = addresses.map((address) => `IP:${address}`).join(',');
    await writeFile(extensions, names === '' ? '' : `subjectAltName=${names}\n`);
    const authority = ['-CA', this.certificate, '-CAkey', this.key, '-CAcreateserial'];
    await openssl([
      'x509',
      '-req',
      '-in',
      request,
      ...authority,
      '-days',
      '1',
      '-extfile',
      extensions,
      '-out',
      certificate,
    ]);
    return { certificate, key };
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

function filesOf(directory: string, name: string): CertificateFiles {
  const file = path.join(directory, name);
  return { certificate: `${file}.crt`, key: `${file}.key` };
}

async function openssl(commandArguments: readonly string[]): Promise<void> {
  await execute('openssl', [...commandArguments]);
}
