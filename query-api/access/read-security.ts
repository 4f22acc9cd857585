import { Ajv } from 'ajv';
import { rights } from '@sonde/query/access/access';
import { SecurityError, type SecurityOptions } from './authenticate.js';
import type { ApiServerAccess } from './token-review.js';

/** Security as a file says it; of Kubernetes it names the kubeconfig. */
type SecurityDocument = Omit<SecurityOptions, 'kubernetes'> & {
  readonly kubernetes?: Omit<NonNullable<SecurityOptions['kubernetes']>, 'kubeConfig'> & {
    readonly kubeconfig?: string;
  };
};

/**
 * Reads the access configuration from a file's content (docs/security.md). `readKubeConfig` gives the way to an API server by
 * a kubeconfig's file, or without one from where it usually is.
 * @throws SecurityError with all that the content has which it should not, or lacks; whether it can be meant is seen
 *   when the API starts.
 */
export function readSecurity(
  content: unknown,
  readKubeConfig: (file: string | undefined) => ApiServerAccess,
): SecurityOptions {
  if (!isDocument(content)) {
    const problems = (isDocument.errors ?? []).map(({ instancePath, message = 'is wrong', params }) => {
      const extra = (params as { additionalProperty?: string }).additionalProperty;
      const what = extra === undefined ? message : `may not have "${extra}"`;
      return `${instancePath === '' ? 'the file' : instancePath.slice(1)} ${what}`;
    });
    throw new SecurityError([...new Set(problems)]);
  }
  const { kubernetes, ...rest } = content;
  if (!kubernetes) return rest;
  const { kubeconfig, ...reviewed } = kubernetes;
  return { ...rest, kubernetes: { ...reviewed, kubeConfig: readKubeConfig(kubeconfig) } };
}

const text = { type: 'string', minLength: 1 } as const;
const texts = { type: 'array', items: text } as const;

function object(required: readonly string[], properties: Readonly<Record<string, object>>) {
  return { type: 'object', required, additionalProperties: false, properties } as const;
}

const isDocument = new Ajv({ allErrors: true }).compile<SecurityDocument>(
  object(['roles'], {
    tokens: {
      type: 'array',
      items: object(['name', 'sha256', 'groups'], { name: text, sha256: text, groups: texts }),
    },
    openIdProviders: {
      type: 'array',
      items: object(['issuer', 'audiences'], {
        issuer: text,
        audiences: texts,
        groupsClaim: text,
        groupsPrefix: text,
        algorithms: texts,
        clockToleranceSeconds: { type: 'number', minimum: 0 },
        clientId: text,
      }),
    },
    kubernetes: object([], { kubeconfig: text, audiences: texts, groupsPrefix: text }),
    roles: {
      type: 'array',
      items: object(['name', 'rights', 'namespaces'], {
        name: text,
        groups: texts,
        subjects: texts,
        rights: { type: 'array', items: { type: 'string', enum: rights } },
        namespaces: { anyOf: [{ type: 'string', enum: ['all'] }, texts] },
      }),
    },
  }),
);
