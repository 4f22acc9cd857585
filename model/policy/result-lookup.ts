import type { Domains } from './address/domains.js';
import type { ResultCache } from './result-cache.js';
import type { Endpoint, Endpoints } from './endpoint/endpoints.js';
import type { Entities } from './endpoint/entities.js';
import { evaluateConnection, type Relation } from './evaluate/connection.js';
import type { Knowledge, Connection } from './evaluate/match.js';
import type { Verdict } from './evaluate/trace-rules.js';
import { ResultTable, type PolicyResult } from './evaluate/results.js';
import type { ProgramIndex } from './program-index.js';
import { TracePath } from './trace/path.js';

/** What the cache holds in place of a result that depends on the source port. */
const DEPENDS_ON_SOURCE_PORT = -2;

/** Placeholder for the endpoints of the one reused packet object, which is filled in for each connection. */
const NO_ENDPOINT: Endpoint = {
  id: -1,
  workload: undefined,
  host: undefined,
  family: undefined,
  facts: new Set(),
  labelled: [],
  named: [],
  nodes: [],
  ports: [],
  unclearHosts: [],
};

/** The inputs of an evaluation: identified endpoints, the programs that apply to them, and address facts. */
interface EvaluationInputs {
  readonly endpoints: Endpoints;
  readonly subjects: ProgramIndex;
  readonly domains: Domains;
  readonly entities: Entities;
}

/**
 * Evaluates each distinct connection once and numbers its result. A repeated connection costs one cache lookup and
 * allocates nothing.
 */
export class ResultLookup {
  readonly #cache: ResultCache;
  readonly #inputs: EvaluationInputs;
  readonly #results = new ResultTable();
  readonly #traces = TracePath.root();
  #knowledge: Knowledge | undefined;
  readonly #packet: Connection = {
    source: NO_ENDPOINT,
    destination: NO_ENDPOINT,
    protocol: 0,
    port: 0,
    sourcePort: 0,
    sourcePortUsed: false,
    uncertainReason: '',
  };

  /** `cache` must be empty, and must not be used by anyone else. */
  constructor(cache: ResultCache, inputs: EvaluationInputs) {
    this.#cache = cache;
    this.#inputs = inputs;
  }

  /** Number of distinct results. */
  get size(): number {
    return this.#results.size;
  }

  /** Call when the known domain names or the network sets change. */
  knowledgeChanged(): void {
    this.#knowledge = undefined;
  }

  /** The number of the result for a connection, as `PolicyEvaluator.evaluate` gives it. */
  evaluate(
    source: number,
    destination: number,
    protocol: number,
    port: number,
    sourcePort: number,
    relation: Relation,
  ): number {
    const { epochs } = this.#inputs.subjects;
    const sourceEpoch = epochs[source] ?? 0;
    const destinationEpoch = epochs[destination] ?? 0;
    // Protocol, relation and port, with room for an unknown port, fit 27 bits.
    const service = (protocol * 4 + relation) * 131_072 + port + 1;
    const found = this.#cache.get(source, destination, service, 0, sourceEpoch, destinationEpoch);
    if (found >= 0) return found;
    if (found === DEPENDS_ON_SOURCE_PORT) {
      const extra = sourcePort + 2;
      const exact = this.#cache.get(source, destination, service, extra, sourceEpoch, destinationEpoch);
      if (exact >= 0) return exact;
    }
    const result = this.#evaluateUncached(source, destination, protocol, port, sourcePort, relation);
    if (this.#packet.sourcePortUsed) {
      this.#cache.set(source, destination, service, 0, sourceEpoch, destinationEpoch, DEPENDS_ON_SOURCE_PORT);
      this.#cache.set(source, destination, service, sourcePort + 2, sourceEpoch, destinationEpoch, result);
    } else this.#cache.set(source, destination, service, 0, sourceEpoch, destinationEpoch, result);
    return result;
  }

  verdict(number: number): Verdict {
    return this.#results.verdict(number);
  }

  hasTrace(number: number): boolean {
    return this.#results.hasTrace(number);
  }

  get(number: number): PolicyResult {
    return this.#results.get(number);
  }

  #evaluateUncached(
    source: number,
    destination: number,
    protocol: number,
    port: number,
    sourcePort: number,
    relation: Relation,
  ): number {
    const { domains, entities, subjects } = this.#inputs;
    const packet = this.#packet;
    packet.source = this.#endpoint(source);
    packet.destination = this.#endpoint(destination);
    packet.protocol = protocol;
    packet.port = port;
    packet.sourcePort = sourcePort;
    packet.sourcePortUsed = false;
    this.#knowledge ??= {
      domainsKnown: domains.known,
      domainSets: entities.networkSetLabels('with domains'),
      networkSets: entities.networkSetLabels('all'),
    };
    const { enforced, pending } = evaluateConnection(
      packet,
      relation,
      subjects.programOf,
      this.#knowledge,
      this.#traces,
    );
    return this.#results.intern(enforced, pending);
  }

  #endpoint(identity: number): Endpoint {
    const endpoint = this.#inputs.endpoints.all[identity];
    if (!endpoint)
      throw new RangeError(`there is no identity ${identity}; the evaluator may have been trimmed`);
    return endpoint;
  }
}
