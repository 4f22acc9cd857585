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

/** Collectors, Kafka, enrichers and ClickHouse as processes of their own, and what was sent through them. */
export class Stack {
  readonly #collectors = new Map<string, { process: TestProcess; settings: CollectorSettings }>();
  readonly #enrichers: TestProcess[] = [];
  readonly #ledgerFiles = new Map<string, string>();
  #clickHouse: TestProcess | undefined;

  private constructor(
    readonly directory: string,
    readonly kafka: TestKafka,
    /** Stands before ClickHouse. */
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

  /** Starts a collector on a new node, or with the spool of the one that was there before. */
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
    // JSON knows no infinity.
    const sent = { ...all, maxWindows: Math.min(all.maxWindows, Number.MAX_SAFE_INTEGER) };
    await mkdir(all.spoolDirectory, { recursive: true });
    const process = new TestProcess(testProgram('faults/collector-process.js'), [JSON.stringify(sent)]);
    this.#collectors.set(node, { process, settings: all });
    return process;
  }

  /** Kills a collector as a crash would, and starts it again. */
  async crashCollector(node: string): Promise<void> {
    await this.#collectors.get(node)?.process.end('SIGKILL');
    await this.startCollector(node);
  }

  /** Has a collector deliver all it has, and end; gives how many flows it says that it has lost. */
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

  /** Kills ClickHouse as a crash would, and starts it again on its data; not somebody else's. */
  async crashClickHouse(whileDown: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    if (!this.#clickHouse) throw new Error('the ClickHouse of CLICKHOUSE_URL must not be killed');
    await this.#clickHouse.end('SIGKILL');
    await whileDown();
    const started = endpointProcess(this.directory, Number(new URL(this.clickHouseUrl).port));
    this.#clickHouse = started;
    await eventually(() => saidUrl(started), DEADLINE_MS);
  }

  /** Lets something go wrong with the next request to ClickHouse whose statement begins so, and waits until it has. */
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

  /** What one node has sent. From now on nobody else asks after it. */
  takeLedger(node: string): Ledger {
    const file = this.#ledgerFiles.get(node);
    this.#ledgerFiles.delete(node);
    return readLedger(file === undefined ? [] : [file]);
  }

  /** Waits until this many more windows of every node, or of the given one, are safe. */
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

  /** Waits until all that is safe is stored; gives how the store then differs from what was sent. */
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

/** The ClickHouse that CLICKHOUSE_URL names: tests that must kill one are skipped then. */
export const givenClickHouse = process.env['CLICKHOUSE_URL'];

if (givenClickHouse !== undefined) console.log('CLICKHOUSE_URL is given: the test that kills one is skipped');

/** How long a busy machine may take until something has come about. */
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
