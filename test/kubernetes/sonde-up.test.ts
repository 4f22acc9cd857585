import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { SondeProcess } from '../e2e/sonde-process.js';
import { eventually } from '../eventually.js';
import { FakeApiServer } from './fake-api-server.js';
import { writeKubeConfig } from './kube-config-file.js';
import { serveManifests } from './serve-manifests.js';

const storefront = (name: string) =>
  fileURLToPath(new URL(`../../deploy/lab/storefront/${name}`, import.meta.url));

let directory: string;
let server: FakeApiServer;
let sonde: SondeProcess | undefined;

beforeEach(async () => {
  directory = temporaryDirectory('kubernetes');
  server = new FakeApiServer([]);
  await server.start();
});

afterEach(async () => {
  await sonde?.end('SIGKILL');
  await server.stop();
});

it('sonde up --kubeconfig attributes flows and evaluates policies with the objects of the API server', async () => {
  await serveManifests(server, storefront('manifests'));
  const cluster = { server: server.url, 'insecure-skip-tls-verify': true };
  const kubeConfig = await writeKubeConfig(directory, { cluster, user: { token: 't' } });
  sonde = new SondeProcess([
    ...['up', '--pcap', storefront('recorded/node-a.pcap'), '--kubeconfig', kubeConfig],
    ...['--port', '0', '--data', path.join(directory, 'data')],
  ]);
  await eventually(() => {
    expect(sonde?.output).toMatch(
      /storefront\/frontend +service storefront\/microservice1 .*allow, delivered/,
    );
    expect(sonde?.output).toMatch(/\[customers\] +storefront\/frontend/);
  }, 90_000);
  const metrics = await (await fetch(`${sonde.url}/metrics`)).text();
  expect(Number(/^sonde_enricher_identities\{cluster="lab"\} (\d+)/m.exec(metrics)?.[1])).toBeGreaterThan(10);
  expect(await sonde.end('SIGINT')).toBe(0);
}, 120_000);
