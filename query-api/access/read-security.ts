import { Ajv } from 'ajv';
import { parseDuration } from '@sonde/backbone/configuration/quantity';
import { rights } from '@sonde/query/access/access';
import { SecurityError, type SecurityOptions } from './authenticate.js';
import type { OpenIdProvider } from './openid-connect.js';
import type { ApiServerCredentials, KubernetesTokens } from './token-review.js';

/** The content of an access configuration file. */
interface SecurityDocument extends Pick<SecurityOptions, 'tokens' | 'roles'> {
  readonly openIdProviders?: readonly OpenIdProviderDocument[];
  readonly kubernetes?: Omit<KubernetesTokens, 'credentials'> & { readonly kubeconfig?: string };
}

interface OpenIdProviderDocument extends Omit<OpenIdProvider, 'clockToleranceMs'> {
  /** A duration, for example `60s`. */
  readonly clockTolerance?: string;
}

/** Settings by the names they had before, so that an old name is an error with the new one. */
const RENAMED: ReadonlyMap<string, string> = new Map(
  Object.entries({
    audiences: 'allowedAudiences',
    algorithms: 'allowedAlgorithms',
    clockToleranceSeconds: 'clockTolerance',
  }),
);

/**
 * Reads the access configuration from the content of its file (docs/security.md). `credentialsOf` opens a kubeconfig
 * file, or without one that of the environment or of the pod.
 * @throws SecurityError with all unknown, missing and malformed settings. `CurrentSecurity` checks their meaning.
 */
export function readSecurity(
  content: unknown,
  credentialsOf: (file: string | undefined) => ApiServerCredentials,
): SecurityOptions {
  if (!isDocument(content)) {
    throw new SecurityError([...new Set((isDocument.errors ?? []).map(schemaProblem))]);
  }
  const { kubernetes, openIdProviders, ...rest } = content;
  return {
    ...rest,
    ...(openIdProviders && { openIdProviders: openIdProviders.map(providerFrom) }),
    ...(kubernetes && { kubernetes: kubernetesFrom(kubernetes, credentialsOf) }),
  };
}

function providerFrom({ clockTolerance, ...provider }: OpenIdProviderDocument): OpenIdProvider {
  if (clockTolerance === undefined) return provider;
  const clockToleranceMs = parseDuration(clockTolerance);
  if (clockToleranceMs === undefined) {
    const problem = `clockTolerance "${clockTolerance}" is not a duration such as 60s`;
    throw new SecurityError([`OpenID provider ${provider.issuer}: ${problem}`]);
  }
  return { ...provider, clockToleranceMs };
}

function kubernetesFrom(
  { kubeconfig, ...settings }: NonNullable<SecurityDocument['kubernetes']>,
  credentialsOf: (file: string | undefined) => ApiServerCredentials,
): KubernetesTokens {
  return { ...settings, credentials: credentialsOf(kubeconfig) };
}

/** A violation of the schema as a message with the place in the file. */
function schemaProblem({ instancePath, message = 'is invalid', params }: SchemaError): string {
  const place = instancePath === '' ? 'the file' : instancePath.slice(1);
  const extra = (params as { additionalProperty?: string }).additionalProperty;
  if (extra === undefined) return `${place} ${message}`;
  const renamed = instancePath.startsWith('/openIdProviders/') ? RENAMED.get(extra) : undefined;
  return renamed === undefined
    ? `${place} has the unknown setting "${extra}"`
    : `${place}: "${extra}" was renamed to "${renamed}"`;
}

type SchemaError = NonNullable<typeof isDocument.errors>[number];

const string = { type: 'string', minLength: 1 } as const;
const strings = { type: 'array', items: string } as const;

function object(required: readonly string[], properties: Readonly<Record<string, object>>) {
  return { type: 'object', required, additionalProperties: false, properties } as const;
}

const isDocument = new Ajv({ allErrors: true }).compile<SecurityDocument>(
  object(['roles'], {
    tokens: {
      type: 'array',
      items: object(['name', 'sha256', 'groups'], { name: string, sha256: string, groups: strings }),
    },
    openIdProviders: {
      type: 'array',
      items: object(['issuer', 'allowedAudiences'], {
        issuer: string,
        allowedAudiences: strings,
        groupsClaim: string,
        groupsPrefix: string,
        allowedAlgorithms: strings,
        clockTolerance: string,
        clientId: string,
      }),
    },
    kubernetes: object([], { kubeconfig: string, audiences: strings, groupsPrefix: string }),
    roles: {
      type: 'array',
      items: object(['name', 'rights', 'namespaces'], {
        name: string,
        groups: strings,
        subjects: strings,
        rights: { type: 'array', items: { type: 'string', enum: rights } },
        namespaces: { anyOf: [{ type: 'string', enum: ['all'] }, strings] },
      }),
    },
  }),
);
