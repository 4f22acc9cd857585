import { below, randomNumbers } from '@sonde/test/builders/random';
import { describe, expect, it } from 'vitest';
import { batchOf } from '@sonde/test/builders/batch';
import { observedFlows } from '@sonde/test/builders/observed-flows';
import { batchOfManyKinds, contentOf } from '@sonde/test/builders/wire-message';
import { decodeBatch } from './decode.js';
import { encodeBatch } from './encode.js';
import { MAX_BATCH_ROWS } from './format.js';
import { WireError } from './wire-error.js';

const batch = batchOfManyKinds();

describe('the wire format', () => {
  it('brings every field of flows and lookups over as it was', () => {
    expect(contentOf(decodeBatch(encodeBatch(batch)))).toEqual(contentOf(batch));
  });

  it('brings over numbers of every width, at the edge of each', () => {
    const edges = [0, 1, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER];
    for (const least of edges) {
      for (const most of edges.filter((edge) => edge >= least)) {
        const flows = batchOf(observedFlows([least, most].map((bytes_out) => ({ bytes_out }))));
        expect(contentOf(decodeBatch(encodeBatch(flows)))).toEqual(contentOf(flows));
      }
    }
  });

  it('tells many addresses apart', () => {
    const rows = Array.from({ length: 5_000 }, (_, row) => ({
      src_ip: `2001:db8::${(row % 3_000).toString(16)}`,
      dst_ip: `10.1.${row % 200}.${row % 7}`,
    }));
    const flows = batchOf(observedFlows(rows));
    expect(contentOf(decodeBatch(encodeBatch(flows)))).toEqual(contentOf(flows));
  });

  it('carries a batch without flows, for its losses and its lookups', () => {
    const losses = batchOf(observedFlows([]), { losses: { packets_map_full: 1 } });
    expect(contentOf(decodeBatch(encodeBatch(losses)))).toEqual(contentOf(losses));
  });

  it('carries only the texts of a long-lived dictionary that the rows use', () => {
    const dictionary = ['', ...Array.from({ length: 10_000 }, (_, number) => `process-${number}`)];
    const { columns } = observedFlows([{}, {}]);
    const src_process = { indexes: Uint32Array.of(77, 77), dictionary };
    const message = encodeBatch(batchOf({ rows: 2, columns: { ...columns, src_process } }));
    expect(message.length).toBeLessThan(200);
    expect(decodeBatch(message).columns.src_process.dictionary).toEqual(['process-76']);
  });

  it('refuses to write more rows than a reader takes', () => {
    const rows = MAX_BATCH_ROWS + 1;
    expect(() => encodeBatch({ ...batchOf(observedFlows([])), rows })).toThrow(RangeError);
  });
});

describe('a damaged message', () => {
  it('is read or refused, wherever it was cut or changed, and nothing else happens', () => {
    const message = encodeBatch(batch);
    const random = randomNumbers(1);
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const damaged = round < message.length ? message.slice(0, round) : message.slice();
      if (round >= message.length) {
        for (let change = 0; change <= round % 4; change++)
          damaged[below(damaged.length, random)] = below(256, random);
      }
      try {
        const { rows, columns, dns } = decodeBatch(damaged);
        expect(rows).toBeLessThanOrEqual(MAX_BATCH_ROWS);
        expect(columns.src_ip.length).toBe(rows * 16);
        if (dns) expect(dns.columns.query_name.indexes.length).toBe(dns.rows);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(1_000);
  });
});
