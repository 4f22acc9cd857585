import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TokenRefused } from './identity.js';
import { kubernetesTokens } from './token-review.js';

let server: Server;
/** What its answers wait for, how many do, and how many at most did at the same time. */
let held: Promise<unknown>;
let underWay: number;
let most: number;
/** What the API server answers, and what it was asked. */
let answer: { status: number; body: unknown };
let asked: { url: string | undefined; authorization: string | undefined; body: unknown }[];

beforeEach(async () => {
  asked = [];
  held = Promise.resolve();
  underWay = 0;
  most = 0;
  server = createServer((request, response) => {
    void text(request).then((body) => {
      const { authorization } = request.headers;
      asked.push({ url: request.url, authorization, body: JSON.parse(body) });
      most = Math.max(most, ++underWay);
      void held.then(() => {
        underWay -= 1;
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

function recognizer(options: { audiences?: string[]; groupsPrefix?: string } = {}) {
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return kubernetesTokens({
    kubeConfig: {
      getCurrentCluster: () => ({ server: address }),
      applyToHTTPSOptions: (request) => {
        Object.assign(request.headers ?? {}, { authorization: 'Bearer reviewer' });
        return Promise.resolve();
      },
    },
    ...options,
  });
}

const user = { username: 'system:serviceaccount:shop:web', groups: ['system:serviceaccounts:shop'] };

function reviewed(status: object): void {
  answer = { status: 201, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', status } };
}

describe('a token that Kubernetes reviews', () => {
  it('tells whose it is', async () => {
    reviewed({ authenticated: true, user });
    expect(await recognizer({ groupsPrefix: 'k8s:' })('abc')).toMatchObject({
      subject: 'kubernetes:system:serviceaccount:shop:web',
      groups: ['k8s:system:serviceaccounts:shop'],
    });
    expect(asked).toEqual([
      {
        url: '/apis/authentication.k8s.io/v1/tokenreviews',
        authorization: 'Bearer reviewer',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 'abc' } },
      },
    ]);
  });

  it('is looked at again soon, for it may have been taken back', async () => {
    reviewed({ authenticated: true, user });
    const { untilMs } = await recognizer()('abc');
    expect(untilMs).toBeLessThanOrEqual(Date.now() + 60_000);
  });

  it.each([
    ['that is not known', { authenticated: false, error: 'expired' }],
    ['of nobody', { authenticated: true }],
    ['of which nothing is said', {}],
  ])('%s is refused', async (_what, status) => {
    reviewed(status);
    await expect(recognizer()('abc')).rejects.toThrow(TokenRefused);
  });

  it('must be meant for one of the audiences, and the API server must have checked that', async () => {
    const recognize = recognizer({ audiences: ['sonde'] });
    reviewed({ authenticated: true, user, audiences: ['sonde'] });
    expect(await recognize('abc')).toMatchObject({ groups: user.groups });
    expect(asked[0]?.body).toMatchObject({ spec: { token: 'abc', audiences: ['sonde'] } });
    for (const audiences of [['other'], undefined]) {
      reviewed({ authenticated: true, user, audiences });
      await expect(recognize('abc')).rejects.toThrow(TokenRefused);
    }
  });

  it('is not refused because the API server does not let us ask', async () => {
    answer = { status: 403, body: { message: 'forbidden' } };
    await expect(recognizer()('abc')).rejects.toThrow('answers a TokenReview with 403');
    await expect(recognizer()('abc')).rejects.not.toThrow(TokenRefused);
  });

  it('waits its turn where many are to be reviewed: the API server has other work', async () => {
    reviewed({ authenticated: true, user });
    let release: (() => void) | undefined;
    held = new Promise<void>((resolve) => (release = resolve));
    const recognize = recognizer();
    const identities = Array.from({ length: 20 }, (_, number) => recognize(`token-${number}`));
    await vi.waitUntil(() => underWay >= 8, { timeout: 60_000, interval: 5 });
    release?.();
    expect(await Promise.all(identities)).toHaveLength(20);
    expect(asked).toHaveLength(20);
    expect(most).toBe(8);
  });
});
