import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Credentials } from '@sonde/backbone/kubernetes/credentials';
import { plainKubeConfig } from '@sonde/backbone/kubernetes/kube-config';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TokenRejected } from './identity.js';
import { kubernetesTokens } from './token-review.js';

let server: Server;
/** What its responses wait for, the number of running reviews, and their maximum. */
let held: Promise<unknown>;
let running: number;
let maxRunning: number;
/** The response of the API server, and its requests. */
let answer: { status: number; body: unknown };
let requests: { url: string | undefined; authorization: string | undefined; body: unknown }[];

beforeEach(async () => {
  requests = [];
  held = Promise.resolve();
  running = 0;
  maxRunning = 0;
  server = createServer((request, response) => {
    void text(request).then((body) => {
      const { authorization } = request.headers;
      requests.push({ url: request.url, authorization, body: JSON.parse(body) });
      maxRunning = Math.max(maxRunning, ++running);
      void held.then(() => {
        running -= 1;
        response.writeHead(answer.status).end(JSON.stringify(answer.body));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function verifier(options: { audiences?: string[]; groupsPrefix?: string } = {}) {
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return kubernetesTokens({
    credentials: new Credentials(plainKubeConfig(address, 'reviewer')),
    ...options,
  });
}

const user = { username: 'system:serviceaccount:shop:web', groups: ['system:serviceaccounts:shop'] };

function reviewed(status: object): void {
  answer = { status: 201, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status } };
}

describe('a token that Kubernetes reviews', () => {
  it('identifies its owner', async () => {
    reviewed({ authenticated: true, user });
    expect(await verifier({ groupsPrefix: 'k8s:' })('abc')).toMatchObject({
      subject: 'kubernetes:system:serviceaccount:shop:web',
      groups: ['k8s:system:serviceaccounts:shop'],
    });
    expect(requests).toEqual([
      {
        url: '/apis/authentication.k8s.io/v1/tokenreviews',
        authorization: 'Bearer reviewer',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'abc' } },
      },
    ]);
  });

  it('is verified again soon, because it may be revoked', async () => {
    reviewed({ authenticated: true, user });
    const { untilMs } = await verifier()('abc');
    expect(untilMs).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  it.each([
    ['that is unknown', { authenticated: false, error: 'expired' }],
    ['without a user', { authenticated: true }],
    ['with an empty user name', { authenticated: true, user: { username: '' } }],
    ['without a result', {}],
  ])('%s is rejected', async (_what, status) => {
    reviewed(status);
    await expect(verifier()('abc')).rejects.toThrow(TokenRejected);
  });

  it('must have one of the audiences, checked by the API server', async () => {
    const verify = verifier({ audiences: ['sonde'] });
    reviewed({ authenticated: true, user, audiences: ['sonde'] });
    expect(await verify('abc')).toMatchObject({ groups: user.groups });
    expect(requests[0]?.body).toMatchObject({ spec: { token: 'abc', audiences: ['sonde'] } });
    for (const audiences of [['other'], undefined]) {
      reviewed({ authenticated: true, user, audiences });
      await expect(verify('abc')).rejects.toThrow(TokenRejected);
    }
  });

  it('is not rejected when the API server forbids the review', async () => {
    answer = { status: 403, body: { message: 'forbidden' } };
    await expect(verifier()('abc')).rejects.toThrow('responded to a TokenReview with status 403');
    await expect(verifier()('abc')).rejects.not.toThrow(TokenRejected);
  });

  it('waits while too many reviews are running', async () => {
    reviewed({ authenticated: true, user });
    let release: (() => void) | undefined;
    held = new Promise<void>((resolve) => (release = resolve));
    const verify = verifier();
    const identities = Array.from({ length: 20 }, (_, number) => verify(`token-${number}`));
    await vi.waitUntil(() => running >= 8, { timeout: 60_000, interval: 5 });
    release?.();
    expect(await Promise.all(identities)).toHaveLength(20);
    expect(requests).toHaveLength(20);
    expect(maxRunning).toBe(8);
  });
});
