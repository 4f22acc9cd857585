import { batchOf } from '@sonde/test/builders/batch';
import { observedDns } from '@sonde/test/builders/dns';
import { observedFlows } from '@sonde/test/builders/observed-flows';
import { decodeBatch } from '@sonde/model/batch/wire/decode';
import { metricValue } from '@sonde/test/fixtures/metric-value';
import { smallDisk } from '@sonde/test/fixtures/small-disk';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../logging.js';
import { MessageTooLargeError, type OutgoingMessage, type SpoolSink } from './sink.js';
import { createSpooledPublisher, type SpooledPublisher } from './spooled-publisher.js';

let directory: string;
let registry: Registry;
const publishers: SpooledPublisher[] = [];

beforeEach(() => (directory = temporaryDirectory('spool')));

afterEach(async () => {
  for (const publisher of publishers.splice(0)) await publisher.close(0);
});

/** A busy machine can take this long. */
const soon = { timeout: 20_000 };

/**
 * A fake of Kafka with consumers that skip duplicates: messages arrive together with the position or not at all, and
 * responses can be lost.
 */
class FakeSink implements SpoolSink {
  readonly topics = { flows: 'flows', dns: 'dns' };
  /** Messages without duplicates. */
  readonly arrived: OutgoingMessage[] = [];
  repeated = 0;
  isUnavailable = false;
  /**
   * Faults of the next deliveries: the response is lost before or after the messages arrive, or it comes and the
   * messages never arrive.
   */
  readonly faults: ('before' | 'after' | 'never')[] = [];
  maxBytes = Infinity;
  #position = 0;
  /** The position of the last message in each topic. */
  readonly #last = new Map<string, number>();

  open(): Promise<number> {
    if (this.isUnavailable) return Promise.reject(new Error('away'));
    return Promise.resolve(this.#position);
  }

  send(messages: readonly OutgoingMessage[], position: number): Promise<void> {
    if (this.isUnavailable) return Promise.reject(new Error('away'));
    if (messages.reduce((sum, { value }) => sum + value.length, 0) > this.maxBytes) {
      return Promise.reject(new MessageTooLargeError('too large'));
    }
    const fault = this.faults.shift();
    if (fault === 'before') return Promise.reject(new Error('cut'));
    this.#position = position;
    if (fault === 'never') return Promise.resolve();
    const first = messages.filter(({ topic, position: sent }) => sent > (this.#last.get(topic) ?? -1));
    for (const message of first) this.#last.set(message.topic, message.position);
    this.repeated += messages.length - first.length;
    this.arrived.push(...first);
    return fault === 'after' ? Promise.reject(new Error('cut')) : Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get sequences(): number[] {
    return this.arrived
      .filter(({ topic }) => topic === 'flows')
      .map(({ value }) => decodeBatch(value).sequence);
  }
}

describe('a spooled publisher', () => {
  it('delivers batches in order, also those published while the sink is unavailable', async () => {
    const sink = new FakeSink();
    const publisher = await started(sink);
    await publish(publisher, 0, 3);
    await vi.waitFor(() => expect(sink.sequences).toEqual([0, 1, 2]), soon);
    sink.isUnavailable = true;
    await publish(publisher, 3, 6);
    sink.isUnavailable = false;
    await vi.waitFor(() => expect(sink.sequences).toEqual([0, 1, 2, 3, 4, 5]), soon);
  });

  it('neither loses nor duplicates messages when responses are lost, before or after the messages arrive', async () => {
    const sink = new FakeSink();
    sink.faults.push('before', 'after', 'after', 'before');
    const publisher = await started(sink);
    for (let batch = 0; batch < 20; batch++) {
      await publish(publisher, batch, batch + 1);
      await vi.waitFor(() => expect(sink.sequences).toContain(batch), soon);
    }
    expect(sink.sequences).toEqual(Array.from({ length: 20 }, (_, batch) => batch));
    expect(await metricValue(registry, 'sonde_publisher_failures_total')).toBe(4);
  });

  it('sends messages again that the sink lost after it acknowledged them, if it fails next', async () => {
    const sink = new FakeSink();
    const publisher = await started(sink);
    await publish(publisher, 0, 1);
    await expect.poll(sentMessages, soon).toBe(1);
    sink.faults.push('never', 'before');
    await publish(publisher, 1, 2);
    await expect.poll(sentMessages, soon).toBe(2);
    expect(sink.sequences).toEqual([0]);
    await publish(publisher, 2, 3);
    await vi.waitFor(() => expect(sink.sequences).toEqual([0, 1, 2]), soon);
  });

  it('sends nothing twice if nothing fails, also after a restart', async () => {
    const sink = new FakeSink();
    const before = await started(sink);
    await publish(before, 0, 5);
    publishers.pop();
    await before.close(10_000);
    await publish(await started(sink), 5, 7);
    await vi.waitFor(() => expect(sink.sequences).toEqual([0, 1, 2, 3, 4, 5, 6]), soon);
    expect(sink.repeated).toBe(0);
  });

  it('delivers what the previous process accepted, without duplicates', async () => {
    const sink = new FakeSink();
    sink.faults.push('after');
    sink.isUnavailable = true;
    const before = await started(sink);
    await publish(before, 0, 5);
    await publishers.pop()?.close(0);
    sink.isUnavailable = false;
    const after = await started(sink);
    await publish(after, 5, 7);
    await vi.waitFor(() => expect(sink.sequences).toEqual([0, 1, 2, 3, 4, 5, 6]), soon);
  });

  it('delivers waiting messages before it closes', async () => {
    const sink = new FakeSink();
    const publisher = await started(sink);
    await publish(publisher, 0, 50);
    publishers.pop();
    await publisher.close(10_000);
    expect(sink.sequences).toHaveLength(50);
    await expect(publisher.publish(batchOf(observedFlows([])))).rejects.toThrow(/closed/);
  });

  it('sends a copy of lookups to their own topic', async () => {
    const sink = new FakeSink();
    const publisher = await started(sink);
    const dns = observedDns([{ query_name: 'api.example' }]);
    await publisher.publish(batchOf(observedFlows([{ src_port: 1 }]), { dns }));
    await vi.waitFor(() => expect(sink.arrived).toHaveLength(2), soon);
    const [both, lookups] = sink.arrived.map(({ value }) => decodeBatch(value));
    expect([both?.rows, both?.dns?.rows, lookups?.rows, lookups?.dns?.rows]).toEqual([1, 1, 0, 1]);
    expect(sink.arrived.map(({ topic, key }) => [topic, key])).toEqual([
      ['flows', 'c/node-a'],
      ['dns', 'c/node-a'],
    ]);
  });

  it('reports in later batches exactly how many flows were dropped because the spool was full', async () => {
    const sink = new FakeSink();
    const publisher = await started(sink, 4_000);
    await publish(publisher, 0, 1);
    await vi.waitFor(() => expect(sink.sequences).toHaveLength(1), soon);
    sink.isUnavailable = true;
    await publish(publisher, 1, 100);
    sink.isUnavailable = false;
    await vi.waitFor(() => expect(publisher.waiting).toBe(0), soon);
    await publish(publisher, 100, 101);
    await vi.waitFor(() => expect(sink.sequences.at(-1)).toBe(100), soon);
    const { losses } = decodeBatch(sink.arrived.at(-1)?.value ?? new Uint8Array());
    const missing = 101 - sink.sequences.length;
    expect(missing).toBeGreaterThan(10);
    expect(losses).toEqual({ flows_spool_full: missing });
    expect(await metricValue(registry, 'sonde_spool_lost_messages_total')).toBe(missing);
    expect(await lostFlows()).toBe(missing);
  });

  it('skips a message that is too large, counts it, and delivers the others', async () => {
    const sink = new FakeSink();
    sink.maxBytes = 1_000;
    const publisher = await started(sink);
    await publish(publisher, 0, 3);
    const names = Array.from({ length: 100 }, (_, row) => ({
      tls_server_name: `a-long-name-${row}.example`,
    }));
    await publisher.publish(batchOf(observedFlows(names), { sequence: 3 }));
    await publish(publisher, 4, 6);
    await vi.waitFor(() => expect(sink.sequences).toEqual([0, 1, 2, 4, 5]), soon);
    expect(await lostFlows()).toBe(100);
  });
});

function sentMessages(): Promise<number> {
  return metricValue(registry, 'sonde_publisher_sent_messages_total');
}

function lostFlows(): Promise<number> {
  return metricValue(registry, 'sonde_spool_lost_records_total', { type: 'flow' });
}

describe('a spooled publisher on a full disk', () => {
  it('starts, delivers what is in the spool, counts what it cannot write, and recovers', async ({ skip }) => {
    const disk = smallDisk(2 ** 20);
    if (typeof disk === 'string') return skip(`cannot mount a file system here (${disk})`);
    ({ directory } = disk);
    const sink = new FakeSink();
    sink.isUnavailable = true;
    const before = await started(sink);
    await publish(before, 0, 5);
    disk.fill();
    await publishers.pop()?.close(0);
    const after = await started(sink);
    await publish(after, 5, 8);
    expect(await lostFlows()).toBe(3);
    expect(after.problem).toMatch(/cannot write to the spool: .*ENOSPC/);
    sink.isUnavailable = false;
    await vi.waitFor(() => expect(sink.sequences).toEqual([0, 1, 2, 3, 4]), soon);
    disk.free();
    await publish(after, 8, 9);
    await vi.waitFor(() => expect(sink.sequences).toEqual([0, 1, 2, 3, 4, 8]), soon);
    expect(decodeBatch(sink.arrived.at(-1)?.value ?? new Uint8Array()).losses).toEqual({
      flows_spool_full: 3,
    });
    expect(after.problem).toBeUndefined();
  });
});

async function started(sink: SpoolSink, maxBytes = 2 ** 20): Promise<SpooledPublisher> {
  const log = createLogger('test', 'silent');
  registry = new Registry();
  const publisher = await createSpooledPublisher(sink, { directory, maxBytes, registry, log });
  publishers.push(publisher);
  return publisher;
}

/** Publishes batches of one flow, numbered from `first` up to `end` (exclusive). */
async function publish(publisher: SpooledPublisher, first: number, end: number): Promise<void> {
  for (let sequence = first; sequence < end; sequence++) {
    await publisher.publish(batchOf(observedFlows([{ src_port: sequence }]), { sequence }));
  }
}
