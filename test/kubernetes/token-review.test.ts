import { Credentials } from '@sonde/backbone/kubernetes/credentials';
import { kubeConfigSource } from '@sonde/backbone/kubernetes/kube-config';
import { kubernetesTokens } from '@sonde/query-api/access/token-review';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { writeKubeConfig } from './kube-config-file.js';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await stop(server);
});

/** Starts a fake API server that accepts every reviewed token from clients with a token; returns it and its URL. */
async function start(token: string): Promise<{ server: Server; url: string }> {
  const server = createServer((request, response) => {
    request.resume();
    const isAuthorized = request.headers.authorization === `Bearer ${token}`;
    const status = { authenticated: true, user: { username: 'alice' } };
    response.writeHead(isAuthorized ? 201 : 401).end(JSON.stringify({ kind: 'TokenReview', status }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

it('reviews tokens with the kubeconfig as it is after the server moved and the token was renewed', async () => {
  const directory = temporaryDirectory('token-review');
  const write = (url: string, token: string) =>
    writeKubeConfig(directory, {
      cluster: { server: url, 'insecure-skip-tls-verify': true },
      user: { token },
    });
  const first = await start('first');
  const file = await write(first.url, 'first');
  const verify = kubernetesTokens({ credentials: new Credentials(kubeConfigSource({ file })) });
  expect(await verify('of-alice')).toMatchObject({ subject: 'kubernetes:alice' });

  await stop(first.server);
  servers.length = 0;
  await expect(verify('of-alice')).rejects.toThrow(/ECONNREFUSED|socket hang up/);
  const second = await start('second');
  await write(second.url, 'expired');
  await expect(verify('of-alice')).rejects.toThrow('401');
  await write(second.url, 'second');
  expect(await verify('of-alice')).toMatchObject({ subject: 'kubernetes:alice' });
});
