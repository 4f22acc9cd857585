import { formatAddress, parseAddress } from '@sonde/model/net/address';
import type { Cluster } from '@sonde/model/cluster/cluster';
import { DomainAddresses } from '@sonde/model/cluster/domain-addresses';
import { AddressNames, type DomainAnswer, DomainNames } from '@sonde/model/cluster/domain-names';
import type { ObservedDns } from '@sonde/model/dns/records';
import type { ColumnMemory } from '@sonde/model/record/column-memory';
import { type StringColumn } from '@sonde/model/record/columns';
import { type ObservedColumns } from '@sonde/model/flow/records';
import { HOST_NETWORK_POD, NODE, POD, SERVICE } from '../identity/endpoint-cache.js';
import { StringColumnBuilder, stringAt } from '@sonde/model/record/string-column';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import { zeroColumn } from '@sonde/model/record/zero-columns';
import type { FlowEndpoints } from '../identity/block-endpoints.js';

/** The domain names of each flow's ends. */
export interface DomainColumns {
  readonly src_domain: StringColumn;
  readonly dst_domain: StringColumn;
}

/** Whose flows are named. */
export type DomainScope = 'one cluster' | 'several clusters';

/** Hears of the answers that clients of a cluster got, as policies by domain names need them. */
export interface AnswersListener {
  /** The addresses (16 bytes each) of names whose addresses have changed; none if a name has none any more. */
  setDomains(answers: ReadonlyMap<string, readonly Uint8Array[]>): void;
  /** Answers were watched for so long that a name without one has no address that is in use. */
  markDomainsKnown(): void;
}

/** An answer that a client got repeatedly between two moments, as the store keeps it. */
export interface KnownAnswer {
  /** The number of the client's kind in the record. */
  readonly clientKind: number;
  readonly clientNamespace: string;
  readonly clientName: string;
  readonly clientAddress: string;
  readonly name: string;
  /** Comma-separated. */
  readonly addresses: string;
  readonly firstMs: number;
  readonly latestMs: number;
  readonly ttlSeconds: number;
}

/** For so long clients use answers that they got before anybody watched: the TTL of most is shorter. */
const LEARNING_MS = 600_000;

/** Names that are held at most: some 30 MiB. */
const CAPACITY = 200_000;

/** Answers whose addresses are remembered before the memory starts afresh: some 20 MiB. */
const REMEMBERED = 65_536;

/** Kinds of ends that are one machine or pod, whatever address they use. */
const NAMED_KINDS = new Set([POD, HOST_NETWORK_POD, NODE]);

/**
 * Names flows' ends outside the cluster by the DNS answers that the other end got; where it got none, a server by the
 * name in the TLS handshake; and where there is none either, by the name that all clients of the cluster know for the
 * address, if it is one.
 */
export class FlowDomains {
  readonly #names = new DomainNames(CAPACITY);
  /** Addresses by the text of answers. */
  readonly #parsed = new Map<string, readonly Uint8Array[]>();
  readonly #addresses = new DomainAddresses(this.#names);
  readonly #listener: AnswersListener | undefined;
  /** Since when answers were watched without a longer break, and until when, by the lookups' own times. */
  #sinceMs = Infinity;
  #newestMs = 0;
  #isComplete = false;

  readonly #scope: DomainScope;

  /** @param scope whose flows are named: of one cluster, or of several clusters whose clients must not be confused. */
  constructor(listener?: AnswersListener, scope: DomainScope = 'one cluster') {
    this.#listener = listener;
    this.#scope = scope;
  }

  /** How many names are held, and how many were dropped for want of room. */
  get counts(): { readonly held: number; readonly evicted: number } {
    return { held: this.#names.size, evicted: this.#names.evicted };
  }

  /** Takes in the answers of lookups. Those of a window are to be learned before its flows are named. */
  learn(
    cluster: Cluster,
    { rows, columns }: ObservedDns,
    clients: FlowEndpoints,
    clusters: StringColumn,
  ): void {
    const starts = halvesOf(columns.start_time);
    const clientAt = this.#clientNames(clients, clusters);
    for (let row = 0; row < rows; row++) {
      const answers = stringAt(columns.answers, row);
      if (answers === '') continue;
      const timeMs = readWide(starts, row);
      const name = stringAt(columns.query_name, row);
      const answer = { client: clientAt(row), name, timeMs, ttlSeconds: columns.answer_ttl_s[row] ?? 0 };
      for (const address of this.#parse(answers)) {
        if (!isInside(cluster, address, timeMs)) this.#learn(address, answer);
      }
      this.#watched(timeMs, timeMs);
    }
    this.#tell();
  }

  /** Takes in answers that clients got before `nowMs`, oldest first, from where they were kept. */
  remember(cluster: Cluster, answers: readonly KnownAnswer[], nowMs: number): void {
    let [firstMs, latestMs] = [Infinity, 0];
    for (const { name, addresses, ttlSeconds, ...known } of answers) {
      const client = NAMED_KINDS.has(known.clientKind)
        ? clientName(known.clientKind, known.clientNamespace, known.clientName)
        : formatAddress(parseAddress(known.clientAddress));
      const answer = { client, name, timeMs: known.latestMs, ttlSeconds };
      for (const text of addresses.split(',')) {
        const address = parseAddress(text);
        if (!isInside(cluster, address, known.latestMs)) this.#learn(address, answer);
      }
      firstMs = Math.min(firstMs, known.firstMs);
      latestMs = Math.max(latestMs, known.latestMs);
    }
    // What was answered since the last that was kept, nobody watched.
    if (nowMs - latestMs < LEARNING_MS) this.#watched(firstMs, latestMs);
    this.#tell();
  }

  /** The addresses of a lookup's answers. The same answers come again and again, and parsing them is slow. */
  #parse(answers: string): readonly Uint8Array[] {
    let addresses = this.#parsed.get(answers);
    if (!addresses) {
      addresses = answers.split(',').map((text) => parseAddress(text));
      if (this.#parsed.size >= REMEMBERED) this.#parsed.clear();
      this.#parsed.set(answers, addresses);
    }
    return addresses;
  }

  /** The names of the flows' ends. Hot path: of an end outside the address is looked up once, of one inside nothing. */
  name(
    observed: ObservedColumns,
    { src, dst }: { readonly src: FlowEndpoints; readonly dst: FlowEndpoints },
    clusters: StringColumn,
    memory: ColumnMemory,
  ): DomainColumns {
    const { start_time, tls_server_name } = observed;
    const startOf = connectionStarts(observed);
    return {
      src_domain: this.#nameEnds(
        start_time,
        src,
        this.#clientNames(dst, clusters),
        zeroColumn('string', start_time.length),
        startOf,
        memory,
      ),
      dst_domain: this.#nameEnds(
        start_time,
        dst,
        this.#clientNames(src, clusters),
        tls_server_name,
        startOf,
        memory,
      ),
    };
  }

  /** The client of each row, distinguished from those of other clusters if there are several. */
  #clientNames(ends: FlowEndpoints, clusters: StringColumn): (row: number) => string {
    const clientAt = clientNames(ends);
    if (this.#scope === 'one cluster') return clientAt;
    return (row) => `${stringAt(clusters, row)}/${clientAt(row)}`;
  }

  /** What all clients call an address; clients of several clusters may mean different machines by it. */
  #soleName(names: AddressNames, timeMs: number): string {
    return this.#scope === 'one cluster' ? names.soleName(timeMs) : '';
  }

  #learn(address: Uint8Array, answer: DomainAnswer): void {
    this.#names.learn(address, 0, answer);
    this.#addresses.add(answer.name, address);
  }

  #watched(fromMs: number, toMs: number): void {
    this.#sinceMs = Math.min(this.#sinceMs, fromMs);
    this.#newestMs = Math.max(this.#newestMs, toMs);
  }

  /** Tells what has changed, once for however many answers. */
  #tell(): void {
    const changes = this.#addresses.takeChanges(this.#newestMs);
    if (!this.#listener) return;
    if (changes.size > 0) this.#listener.setDomains(changes);
    if (this.#isComplete || this.#newestMs - this.#sinceMs < LEARNING_MS) return;
    this.#isComplete = true;
    this.#listener.markDomainsKnown();
  }

  /** Names one end of each row by what the other end knows; `tlsNames` are of the end to be named. */
  #nameEnds(
    times: BigUint64Array,
    end: FlowEndpoints,
    clientAt: (row: number) => string,
    tlsNames: StringColumn,
    startOf: (row: number) => number,
    memory: ColumnMemory,
  ): StringColumn {
    const starts = halvesOf(times);
    const { kind } = end.columns;
    const { bytes, numbers, distinct } = end.addresses;
    const namesOf = new Array<AddressNames | undefined>(distinct);
    const column = new StringColumnBuilder(times.length, memory);
    for (let row = 0; row < times.length; row++) {
      if (kind[row] === POD || kind[row] === SERVICE) continue;
      const address = numbers[row] ?? 0;
      const names = (namesOf[address] ??= this.#names.find(bytes, row * 16) ?? UNNAMED);
      const tlsName = stringAt(tlsNames, row);
      let name = tlsName;
      if (names !== UNNAMED) {
        const timeMs = readWide(starts, row);
        name =
          names.nameFor(clientAt(row), timeMs, tlsName, startOf(row)) ||
          tlsName ||
          this.#soleName(names, timeMs);
      }
      if (name !== '') column.indexes[row] = column.intern(name);
    }
    return column.build();
  }
}

/** Start of the connection of each row in ms since 1970: a record may be of a later window of a long connection. */
function connectionStarts({
  start_time,
  end_time,
  connection_age_us,
}: ObservedColumns): (row: number) => number {
  const [starts, ends, ages] = [halvesOf(start_time), halvesOf(end_time), halvesOf(connection_age_us)];
  return (row) => {
    const age = readWide(ages, row);
    const start = readWide(starts, row);
    return age === 0 ? start : Math.min(start, readWide(ends, row) - age / 1000);
  };
}

/** What tells the client of a row from others: a pod or node by name, as it has several addresses; else its address. */
function clientNames({ addresses, numbers, distinct, columns }: FlowEndpoints): (row: number) => string {
  const names = new Array<string | undefined>(distinct);
  const strangers = new Array<string | undefined>(addresses.distinct);
  return (row) => {
    const kind = columns.kind[row] ?? 0;
    if (!NAMED_KINDS.has(kind)) {
      return (strangers[addresses.numbers[row] ?? 0] ??= formatAddress(addresses.bytes, row * 16));
    }
    return (names[numbers[row] ?? 0] ??= clientName(
      kind,
      stringAt(columns.namespace, row),
      stringAt(columns.name, row),
    ));
  };
}

function clientName(kind: number, namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

/** The names of an address that has none. */
const UNNAMED = new AddressNames();

/** Whether the address belonged to a pod or a service, which have better names. */
function isInside({ identities }: Cluster, address: Uint8Array, timeMs: number): boolean {
  const kind = identities.identity(identities.lookup(address, 0, timeMs))?.kind;
  return kind === 'pod' || kind === 'service';
}
