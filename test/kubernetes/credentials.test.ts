import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { LiveContext } from '@sonde/enricher/pipeline/context';
import { type FollowedCluster, followCluster } from '@sonde/enricher/watch/follow-cluster';
import { kubeConfigSource } from '@sonde/backbone/kubernetes/kube-config';
import { parseAddress } from '@sonde/model/net/address';
import pino from 'pino';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { eventually } from '../eventually.js';
import { buildPod } from '../builders/pod.js';
import { CertificateAuthority, type CertificateFiles } from '../builders/certificate.js';
import { BUILT_IN_PATHS, FakeApiServer } from './fake-api-server.js';
import { writeKubeConfig } from './kube-config-file.js';

const PODS = '/api/v1/pods';
const START = Date.parse('2026-01-01T00:00:00Z');

let directory: string;
let authority: CertificateAuthority;
let stranger: CertificateAuthority;
let serverFiles: CertificateFiles;
const running: { stop: AbortController; followed: FollowedCluster; server: FakeApiServer }[] = [];

beforeAll(() => {
  directory = temporaryDirectory('credentials');
  authority = new CertificateAuthority(directory, 'authority');
  stranger = new CertificateAuthority(directory, 'stranger');
  serverFiles = authority.sign('server', ['127.0.0.1']);
});

afterEach(async () => {
  for (const { stop, followed, server } of running.splice(0)) {
    stop.abort();
    await followed.ended;
    await server.stop();
  }
});

interface Choice {
  /** How the kubeconfig trusts the server. */
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly user: Readonly<Record<string, unknown>>;
  /** The server's own certificate. */
  readonly files?: CertificateFiles;
  /** The authority that the server asks clients for a certificate of. */
  readonly clientAuthority?: CertificateAuthority;
  readonly token?: string;
}

/** Follows a server over HTTPS that has one pod, by a kubeconfig in a file. */
async function follow({ cluster, user, files = serverFiles, clientAuthority, token }: Choice) {
  const server = new FakeApiServer(BUILT_IN_PATHS, {
    cert: await readFile(files.certificate),
    key: await readFile(files.key),
    ...(clientAuthority && { ca: await readFile(clientAuthority.certificate) }),
  });
  await server.start();
  server.token = token;
  server.put(PODS, buildPod({ name: 'web', ip: '10.1.0.1', startMs: START }));
  const trust = cluster ?? { 'certificate-authority': authority.certificate };
  const file = await writeKubeConfig(directory, { cluster: { server: server.url, ...trust }, user });
  const warnings: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(line) });
  const context = new LiveContext();
  const stop = new AbortController();
  const kubeConfig = kubeConfigSource({ file });
  const followed = followCluster({ context, kubeConfig, manifests: [], log, signal: stop.signal });
  running.push({ stop, followed, server });
  const { identities } = context.cluster;
  const holder = (ip: string) => identities.identity(identities.lookup(parseAddress(ip), 0, START))?.name;
  return { server, file, holder, warnings };
}

/** A file with a token. */
async function tokenFile(name: string, token: string): Promise<string> {
  const file = path.join(directory, name);
  await writeFile(file, `${token}\n`);
  return file;
}

/** Has the server accept another token than before, and tell of a pod; a test then makes the new one known. */
async function renew(server: FakeApiServer, token: string): Promise<void> {
  server.token = token;
  server.disconnect();
  server.put(PODS, buildPod({ name: 'later', ip: '10.1.0.2', startMs: START }));
  await eventually(() => expect(server.requests.unauthorized).toBeGreaterThan(0));
}

describe('authentication to an API server over HTTPS', () => {
  it('uses a client certificate from files or inline in the kubeconfig', async () => {
    const { certificate, key } = authority.sign('sonde');
    const inFiles = { 'client-certificate': certificate, 'client-key': key };
    const base64 = async (file: string) => (await readFile(file)).toString('base64');
    const within = {
      'client-certificate-data': await base64(certificate),
      'client-key-data': await base64(key),
    };
    for (const user of [inFiles, within]) {
      const { holder } = await follow({ user, clientAuthority: authority });
      await eventually(() => expect(holder('10.1.0.1')).toBe('web'));
    }
  });

  it('trusts a certificate authority inline in the kubeconfig', async () => {
    const data = (await readFile(authority.certificate)).toString('base64');
    const { holder } = await follow({
      cluster: { 'certificate-authority-data': data },
      user: { token: 'any' },
    });
    await eventually(() => expect(holder('10.1.0.1')).toBe('web'));
  });

  it('rereads a token file that is renewed in place', async () => {
    const file = await tokenFile('token', 'first');
    // Relative to the kubeconfig, as kubectl takes it.
    const { server, holder } = await follow({ user: { tokenFile: path.basename(file) }, token: 'first' });
    await eventually(() => expect(holder('10.1.0.1')).toBe('web'));
    await renew(server, 'second');
    await tokenFile('token', 'second');
    await eventually(() => expect(holder('10.1.0.2')).toBe('later'));
  });

  it('uses the token of a credential plugin and runs it again when the token is rejected before it expires', async () => {
    const file = await tokenFile('plugin-token', 'first');
    const plugin = path.join(import.meta.dirname, 'credential-plugin.mjs');
    const calls = async () => (await readFile(`${file}.calls`, 'utf8')).length;
    const exec = {
      ...{ apiVersion: 'client.authentication.k8s.io/v1', interactiveMode: 'Never' },
      ...{ command: process.execPath, args: [plugin, file] },
    };
    const { server, holder } = await follow({ user: { exec }, token: 'first' });
    await eventually(() => expect(holder('10.1.0.1')).toBe('web'));
    expect(await calls()).toBe(1);
    await renew(server, 'second');
    await tokenFile('plugin-token', 'second');
    await eventually(() => expect(holder('10.1.0.2')).toBe('later'));
    expect(await calls()).toBeLessThanOrEqual(1 + server.requests.unauthorized);
  });
});

describe('a kubeconfig that changes', () => {
  it('is read again after the server got a certificate of another authority, which the file contains', async () => {
    const embedded = async ({ certificate }: CertificateAuthority) => ({
      'certificate-authority-data': (await readFile(certificate)).toString('base64'),
    });
    const user = { token: 'any' };
    const { server, holder, warnings } = await follow({ cluster: await embedded(authority), user });
    await eventually(() => expect(holder('10.1.0.1')).toBe('web'));
    const renewed = stranger.sign('renewed', ['127.0.0.1']);
    server.useCertificate({ cert: await readFile(renewed.certificate), key: await readFile(renewed.key) });
    await eventually(() => expect(warnings.join('')).toMatch(/signed by no authority/));
    // Connections whose handshake began before.
    server.disconnect();
    server.put(PODS, buildPod({ name: 'later', ip: '10.1.0.2', startMs: START }));
    await writeKubeConfig(directory, {
      cluster: { server: server.url, ...(await embedded(stranger)) },
      user,
    });
    await eventually(() => expect(holder('10.1.0.2')).toBe('later'));
  });

  it('is read again after the server moved', async () => {
    const { server, file, holder } = await follow({ user: { token: 'any' } });
    await eventually(() => expect(holder('10.1.0.1')).toBe('web'));
    const moved = new FakeApiServer(BUILT_IN_PATHS, {
      cert: await readFile(serverFiles.certificate),
      key: await readFile(serverFiles.key),
    });
    await moved.start();
    try {
      // With the database of the former server.
      moved.put(PODS, buildPod({ name: 'web', ip: '10.1.0.1', startMs: START }));
      moved.put(PODS, buildPod({ name: 'later', ip: '10.1.0.2', startMs: START }));
      const { url } = server;
      await server.stop();
      const text = await readFile(file, 'utf8');
      await writeFile(file, text.replace(url, moved.url));
      await eventually(() => expect(holder('10.1.0.2')).toBe('later'));
    } finally {
      await moved.stop();
    }
  });
});

describe('reports why an API server cannot be followed', () => {
  it.each<[string, () => Choice | Promise<Choice>, RegExp]>([
    [
      'a certificate of a strange authority',
      () => ({
        cluster: { 'certificate-authority': stranger.certificate },
        user: { token: 'any' },
      }),
      /https:\/\/127\.0\.0\.1:\d+: its certificate is signed by no authority that the kubeconfig trusts/,
    ],
    [
      'a certificate of other names',
      () => ({ user: { token: 'any' }, files: authority.sign('other', ['192.0.2.1']) }),
      /its certificate is for other names than the one in the URL/,
    ],
    [
      'a missing client certificate',
      () => ({ user: { token: 'any' }, clientAuthority: authority }),
      /401 Unauthorized/,
    ],
    [
      'a client certificate of a strange authority',
      () => {
        const { certificate, key } = stranger.sign('intruder');
        return { user: { 'client-certificate': certificate, 'client-key': key }, clientAuthority: authority };
      },
      /401 Unauthorized/,
    ],
    ['a refused token', () => ({ user: { token: 'wrong' }, token: 'right' }), /401 Unauthorized/],
    [
      'a credential plugin that fails',
      () => ({
        user: {
          exec: { command: process.execPath, args: ['-e', 'console.error("no session"); process.exit(1)'] },
        },
      }),
      /no session/,
    ],
    ['a token file that is missing', () => ({ user: { tokenFile: 'nowhere' } }), /ENOENT.*nowhere/],
  ])('%s', async (_, choice, reason) => {
    const { warnings, holder } = await follow(await choice());
    await eventually(() => expect(warnings.join('')).toMatch(reason));
    expect(holder('10.1.0.1')).toBeUndefined();
  });
});
