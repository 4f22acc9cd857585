import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';
import { ConcurrencyLimiter } from '@sonde/query/limits/concurrency-limiter';
import { type RecognizeToken, TokenRefused } from './identity.js';

/** A Kubernetes API server that says whose a token is. */
export interface KubernetesTokens {
  /** How to reach it, as somebody who may create `tokenreviews.authentication.k8s.io`. */
  readonly kubeConfig: ApiServerAccess;
  /** Tokens must be meant for one of these; for the API server itself by default. */
  readonly audiences?: readonly string[];
  /** Put before each group, so that roles can tell them from groups of other origin; nothing by default. */
  readonly groupsPrefix?: string;
}

/** The way to an API server. A `KubeConfig` of `@kubernetes/client-node` is one. */
export interface ApiServerAccess {
  getCurrentCluster(): { readonly server: string } | null;
  /** Adds certificates and credentials to a request. */
  applyToHTTPSOptions(options: https.RequestOptions): Promise<void>;
}

/** What a TokenReview says of the token (Kubernetes API reference, authentication.k8s.io/v1 TokenReviewStatus). */
interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly user?: { readonly username?: string; readonly groups?: readonly string[] };
  readonly audiences?: readonly string[];
}

/** How long the API server may take to answer. */
const ANSWER_MS = 5000;
/** The API server knows when a token was taken back; so soon after, we do too. */
const RECHECK_MS = 30_000;

/** Tokens that the API server is asked about at the same time, and that wait to be: it has other work. */
const REVIEWS = { concurrent: 8, waiting: 256 };

/** Recognizes tokens of service accounts and users by asking the API server. */
export function kubernetesTokens(options: KubernetesTokens): RecognizeToken {
  const { kubeConfig, audiences, groupsPrefix = '' } = options;
  const reviews = new ConcurrencyLimiter(REVIEWS);
  return async (token) => {
    const spec = { token, ...(audiences && { audiences }) };
    const end = await reviews.acquire('', AbortSignal.timeout(ANSWER_MS));
    if (!end) throw new Error(`${REVIEWS.waiting} tokens wait for the API server already`);
    const status = await review(kubeConfig, spec).finally(end);
    if (status.authenticated !== true || status.user?.username === undefined) {
      throw new TokenRefused('the token is not known to Kubernetes');
    }
    // An API server that does not know of audiences leaves them out of its answer, and then has not checked them.
    if (audiences && !audiences.some((audience) => status.audiences?.includes(audience))) {
      throw new TokenRefused('the token is meant for somebody else');
    }
    return {
      subject: `kubernetes:${status.user.username}`,
      groups: (status.user.groups ?? []).map((group) => groupsPrefix + group),
      untilMs: Date.now() + RECHECK_MS,
    };
  };
}

async function review(kubeConfig: ApiServerAccess, spec: object): Promise<TokenReviewStatus> {
  const server = kubeConfig.getCurrentCluster()?.server;
  if (server === undefined) throw new Error('the kubeconfig has no current cluster');
  const url = new URL(`${server.replace(/\/$/, '')}/apis/authentication.k8s.io/v1/tokenreviews`);
  const body = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec });
  const options: https.RequestOptions = { headers: {}, signal: AbortSignal.timeout(ANSWER_MS) };
  await kubeConfig.applyToHTTPSOptions(options);
  Object.assign(options.headers ?? {}, { 'content-type': 'application/json', accept: 'application/json' });
  const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const { request } = url.protocol === 'http:' ? http : https;
    request(url, { ...options, method: 'POST' }, resolve)
      .on('error', reject)
      .end(body);
  });
  const answer = await text(response);
  if (response.statusCode !== 201 && response.statusCode !== 200) {
    throw new Error(
      `the API server answers a TokenReview with ${response.statusCode}: ${answer.slice(0, 200)}`,
    );
  }
  return (JSON.parse(answer) as { status?: TokenReviewStatus }).status ?? {};
}
