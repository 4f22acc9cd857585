import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { openClickHouseStore } from '@sonde/backbone/store/clickhouse/clickhouse-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { dropDatabase } from '../clickhouse/server.js';
import { type Fault, type FaultProxy, startFaultProxy } from '../clickhouse/fault-proxy.js';
import { eventually } from '../eventually.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { type TestKafka, useTestKafka } from '../kafka/broker.js';
import { type CollectorSettings, compare, type Difference, type Ledger, readLedger } from './ledger.js';
import { sondeProgram, TestProcess, testProgram } from './processes.js';

const PARTITIONS = 6;

/** Collectors, Kafka, enrichers and ClickHouse in separate processes, and the ledger of what was sent. */
export class Stack {
  readonly #collectors = new Map<string, { process: TestProcess; settings: CollectorSettings }>();
  readonly #enrichers: TestProcess[] = [];
  readonly #ledgerFiles = new Map<string, string>();
  #clickHouse: TestProcess | undefined;

  private constructor(
    readonly directory: string,
    readonly kafka: TestKafka,
    /** The proxy in front of ClickHouse. */
    readonly proxy: FaultProxy,
    readonly store: FlowStore,
    private readonly database: string,
    private readonly clickHouseUrl: string,
    clickHouse: TestProcess | undefined,
  ) {
    this.#clickHouse = clickHouse;
  }

  static async start(): Promise<Stack> {
    const directory = temporaryDirectory('faults');
    const kafka = await useTestKafka();
    const clickHouse = givenClickHouse === undefined ? endpointProcess(directory, 0) : undefined;
    const url = givenClickHouse ?? (await eventually(() => saidUrl(clickHouse), DEADLINE_MS));
    const proxy = await startFaultProxy(url);
    const database = `sonde_test_${randomUUID().replaceAll('-', '')}`;
    const log = createLogger('test', 'silent');
    const store = openClickHouseStore({ urls: [url], database, ...clickHouseUser(), log });
    return new Stack(directory, kafka, proxy, store, database, url, clickHouse);
  }

  async end(): Promise<void> {
    const processes = [...[...this.#collectors.values()].map(({ process }) => process), ...this.#enrichers];
    await Promise.all(processes.map((one) => one.end('SIGKILL')));
    await this.store.close();
    await this.proxy.close();
    if (this.#clickHouse) await this.#clickHouse.end('SIGKILL');
    else await dropDatabase({ urls: [this.clickHouseUrl], database: this.database, ...clickHouseUser() });
    await this.kafka.remove();
  }

  /** Starts a collector on a new node, or with the spool of the node's former one. */
  async startCollector(node: string, settings: Partial<CollectorSettings> = {}): Promise<TestProcess> {
    const former = this.#collectors.get(node);
    const ledgerFile = path.join(this.directory, `${node}.ledger`);
    this.#ledgerFiles.set(node, ledgerFile);
    const all: CollectorSettings = {
      cluster: 'faults',
      node,
      brokers: this.kafka.addresses,
      prefix: this.kafka.prefix,
      partitions: PARTITIONS,
      spoolDirectory: path.join(this.directory, `${node}.spool`),
      maxSpoolBytes: 256 * 2 ** 20,
      ledgerFile,
      rowsPerWindow: 100,
      windowMs: 150,
      maxWindows: Infinity,
      clockAheadMs: 0,
      drainMs: 20_000,
      logLevel: 'warn',
      ...former?.settings,
      ...settings,
      generation: (former?.settings.generation ?? -1) + 1,
    };
    // JSON has no Infinity.
    const sent = { ...all, maxWindows: Math.min(all.maxWindows, Number.MAX_SAFE_INTEGER) };
    await mkdir(all.spoolDirectory, { recursive: true });
    const process = new TestProcess(testProgram('faults/collector-process.js'), [JSON.stringify(sent)]);
    this.#collectors.set(node, { process, settings: all });
    return process;
  }

  /** Kills a collector like a crash, and restarts it. */
  async crashCollector(node: string): Promise<void> {
    await this.#collectors.get(node)?.process.end('SIGKILL');
    await this.startCollector(node);
  }

  /** Lets a collector deliver everything and exit; returns how many flows it reports as lost. */
  async stopCollector(node: string): Promise<number> {
    const collector = this.#collectors.get(node)?.process;
    const exitCode = await collector?.end('SIGTERM');
    if (exitCode !== 0) throw new Error(`the collector ended with ${exitCode}: ${collector?.log}`);
    return (JSON.parse(collector?.output ?? '') as { lostFlows: number }).lostFlows;
  }

  startEnricher(environment: Readonly<Record<string, string>> = {}): TestProcess {
    const user = clickHouseUser();
    const enricher = new TestProcess(sondeProgram, ['enricher'], {
      SONDE_CLUSTER: 'faults',
      SONDE_KUBERNETES_WATCH: 'false',
      SONDE_KAFKA_BROKERS: this.kafka.addresses.join(','),
      SONDE_KAFKA_PREFIX: this.kafka.prefix,
      SONDE_KAFKA_PARTITIONS: String(PARTITIONS),
      SONDE_KAFKA_SESSION_TIMEOUT: '6s',
      SONDE_CLICKHOUSE_URLS: this.proxy.url,
      SONDE_CLICKHOUSE_DATABASE: this.database,
      SONDE_CLICKHOUSE_USERNAME: user.username,
      SONDE_CLICKHOUSE_PASSWORD: user.password,
      SONDE_CLICKHOUSE_REQUEST_TIMEOUT: '10s',
      SONDE_BLOCK_MAX_AGE: '500ms',
      SONDE_MONITORING_HOST: '127.0.0.1',
      SONDE_MONITORING_PORT: '0',
      ...environment,
    });
    this.#enrichers.push(enricher);
    return enricher;
  }

  /** Kills ClickHouse like a crash, and restarts it on its data; only the test's own server. */
  async crashClickHouse(whileDown: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    if (!this.#clickHouse) throw new Error('the ClickHouse of CLICKHOUSE_URL must not be killed');
    await this.#clickHouse.end('SIGKILL');
    await whileDown();
    const started = endpointProcess(this.directory, Number(new URL(this.clickHouseUrl).port));
    this.#clickHouse = started;
    await eventually(() => saidUrl(started), DEADLINE_MS);
  }

  /** Injects a fault into the next request to ClickHouse with a statement, and waits until it occurred. */
  async untilMet(fault: Fault, statement: string): Promise<void> {
    const met = this.proxy.faults;
    this.proxy.fault(fault, statement);
    await eventually(() => {
      if (this.proxy.faults === met) throw new Error(`nothing was sent: ${this.logs}`);
    }, DEADLINE_MS);
  }

  get ledger(): Ledger {
    return readLedger([...this.#ledgerFiles.values()]);
  }

  /** The ledger of one node, which is then removed from the common one. */
  takeLedger(node: string): Ledger {
    const file = this.#ledgerFiles.get(node);
    this.#ledgerFiles.delete(node);
    return readLedger(file === undefined ? [] : [file]);
  }

  /** Waits until this many more windows of every node, or of one, are safe. */
  async untilSafe(more: number, nodes: Iterable<string> = this.#ledgerFiles.keys()): Promise<void> {
    const wanted = new Map([...nodes].map((node) => [node, this.#safeWindows(node) + more]));
    await eventually(() => {
      for (const [node, windows] of wanted) {
        const safe = this.#safeWindows(node);
        if (safe < windows) throw new Error(`only ${safe} of ${windows} windows of ${node}: ${this.logs}`);
      }
    }, DEADLINE_MS);
  }

  #safeWindows(node: string): number {
    const { windows } = readLedger([this.#ledgerFiles.get(node) ?? '']);
    return [...windows.values()].filter(({ isSafe }) => isSafe).length;
  }

  /** Waits until everything safe is stored; returns the differences between the store and the ledger. */
  async untilStored(): Promise<Difference> {
    const { ledger } = this;
    return await eventually(async () => {
      const now = await compare(ledger, this.store);
      if (now.wrong.length === 0 && now.missing.length > 0) {
        throw new Error(`not stored in time: ${now.missing.slice(0, 5).join('; ')}\n${this.logs}`);
      }
      return now;
    }, DEADLINE_MS);
  }

  /** The end of every process's log, for failed tests. */
  get logs(): string {
    return [...this.#enrichers, ...[...this.#collectors.values()].map(({ process }) => process)]
      .map(({ log }) => log.slice(-2000))
      .join('\n---\n');
  }
}

/** Whether CLICKHOUSE_URL names a server; tests that kill it are skipped then. */
export const givenClickHouse = process.env['CLICKHOUSE_URL'];

if (givenClickHouse !== undefined) console.log('CLICKHOUSE_URL is given: the test that kills one is skipped');

/** Maximum time for a condition on a busy machine. */
const DEADLINE_MS = 300_000;

function endpointProcess(directory: string, port: number): TestProcess {
  const engine = path.join(directory, 'clickhouse');
  return new TestProcess(testProgram('clickhouse/program.js'), [engine, String(port)]);
}

function saidUrl(endpoint: TestProcess | undefined): string {
  const url = endpoint?.output.trim();
  if (url === undefined || url === '')
    throw new Error(`ClickHouse's endpoint does not answer: ${endpoint?.log}`);
  return url;
}

function clickHouseUser() {
  return {
    username: process.env['CLICKHOUSE_USER'] ?? 'default',
    password: process.env['CLICKHOUSE_PASSWORD'] ?? '',
  };
}
