import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { connectionError } from '@sonde/backbone/kubernetes/connection-error';
import type { Credentials } from '@sonde/backbone/kubernetes/credentials';
import { ConcurrencyLimiter } from '@sonde/query/limits/concurrency-limiter';
import { type VerifyToken, TokenRejected } from './identity.js';

/** A Kubernetes API server that verifies tokens by TokenReview. */
export interface KubernetesTokens {
  /** Credentials of an account that may create `tokenreviews.authentication.k8s.io`. */
  readonly credentials: ApiServerCredentials;
  /** Accepted audiences (`spec.audiences` of a TokenReview); that of the API server by default. */
  readonly audiences?: readonly string[];
  /** Prefix of each group, to tell the groups of several providers apart; empty by default. */
  readonly groupsPrefix?: string;
}

/** Credentials of requests to an API server, which are read again after a failure. */
export type ApiServerCredentials = Pick<Credentials, 'apply' | 'rejected' | 'connectionFailed'>;

/** The status of a TokenReview (Kubernetes API reference, authentication.k8s.io/v1 TokenReviewStatus). */
interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly user?: { readonly username?: string; readonly groups?: readonly string[] };
  readonly audiences?: readonly string[];
}

/** Timeout of requests to the API server. */
const REQUEST_TIMEOUT_MS = 5000;
/** How long a review is valid: revoked tokens are rejected after this time. */
const REVIEW_TTL_MS = 30_000;

/** Limits of concurrent and waiting reviews, to protect the API server. */
const REVIEWS = { concurrent: 8, waiting: 256 };

/** Verifies tokens of service accounts and users by TokenReview. */
export function kubernetesTokens(options: KubernetesTokens): VerifyToken {
  const { credentials, audiences, groupsPrefix = '' } = options;
  const reviews = new ConcurrencyLimiter(REVIEWS);
  return async (token) => {
    const spec = { token, ...(audiences && { audiences }) };
    const release = await reviews.acquire('', AbortSignal.timeout(REQUEST_TIMEOUT_MS));
    if (!release) throw new Error(`more than ${REVIEWS.waiting} waiting token reviews`);
    const status = await review(credentials, spec).finally(release);
    const { username = '', groups = [] } = status.user ?? {};
    if (status.authenticated !== true || username === '') {
      throw new TokenRejected('Kubernetes does not accept the token');
    }
    // An API server without support for audiences omits them in its response and has not checked them.
    if (audiences && !audiences.some((audience) => status.audiences?.includes(audience))) {
      throw new TokenRejected('the token is for another audience');
    }
    return {
      subject: `kubernetes:${username}`,
      groups: groups.map((group) => groupsPrefix + group),
      untilMs: Date.now() + REVIEW_TTL_MS,
    };
  };
}

async function review(credentials: ApiServerCredentials, spec: object): Promise<TokenReviewStatus> {
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec });
  const options = { headers: {}, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) };
  const applied = await credentials.apply(options);
  Object.assign(options.headers, { 'content-type': 'application/json', accept: 'application/json' });
  const url = new URL(`${applied.server}/apis/authentication.k8s.io/v1/tokenreviews`);
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const { request } = url.protocol === 'http:' ? http : https;
    request(url, { ...options, method: 'POST' }, resolve)
      .on('error', (error) => {
        credentials.connectionFailed(applied);
        reject(connectionError(applied.server, error));
      })
      .end(body);
  });
  if (response.statusCode === 401) credentials.rejected(applied);
  const content = await text(response);
  if (response.statusCode !== 201 && response.statusCode !== 200) {
    throw new Error(
      `the API server responded to a TokenReview with status ${response.statusCode}: ${content.slice(0, 200)}`,
    );
  }
  return (JSON.parse(content) as { status?: TokenReviewStatus }).status ?? {};
}
