import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** What of an OpenAPI document says what an operation may answer. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
}

export interface ApiOperation {
  readonly operationId: string;
  readonly summary?: string;
  readonly parameters?: readonly ApiParameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, ApiMedia>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, ApiMedia>> }>>;
}

export interface ApiParameter {
  readonly name: string;
  readonly in: 'query' | 'path' | 'header' | 'cookie';
  readonly description?: string;
  readonly required?: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly example?: unknown;
}

export interface ApiMedia {
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}

/** An answer as it came, its body decoded if it is JSON. */
export interface ReceivedAnswer {
  readonly status: number;
  readonly type: string | null;
  readonly body: unknown;
}

/** Holds answers to what the API's description says they are. */
export class Conformance {
  readonly #ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
  readonly #compiled = new Map<object, ValidateFunction>();

  constructor(private readonly document: ApiDocument) {}

  /**
   * What about an answer is not as the description says; undefined if all is. Requests that no operation is described
   * for are not judged.
   */
  violation(method: string, target: string, { status, type, body }: ReceivedAnswer): string | undefined {
    const operation = this.#operation(method, target);
    if (!operation) return undefined;
    const { responses } = operation;
    const response = responses[status] ?? responses[`${Math.floor(status / 100)}XX`];
    if (!response) return `${operation.operationId} may not answer ${status}`;
    if (status === 304) return undefined;
    const mediaType = type?.split(';')[0] ?? '';
    const media = response.content?.[mediaType];
    if (!media) return `${operation.operationId} may not answer ${status} as "${mediaType}"`;
    if (!media.schema || !/[/+]json$/.test(mediaType)) return undefined;
    const validate = this.#compile(media.schema);
    if (validate(body)) return undefined;
    return `${operation.operationId} answers ${status} not as described: ${this.#ajv.errorsText(validate.errors)}`;
  }

  #operation(method: string, target: string): ApiOperation | undefined {
    const path = target.replace(/\?.*/s, '');
    const template =
      path in this.document.paths
        ? path
        : Object.keys(this.document.paths).find((one) => templateOf(one).test(path));
    return template === undefined ? undefined : this.document.paths[template]?.[method.toLowerCase()];
  }

  #compile(schema: object): ValidateFunction {
    let compiled = this.#compiled.get(schema);
    if (!compiled) this.#compiled.set(schema, (compiled = this.#ajv.compile(schema)));
    return compiled;
  }
}

function templateOf(path: string): RegExp {
  return new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`);
}
