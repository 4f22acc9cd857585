import path from 'node:path';
import { captureReport } from '@sonde/cli/up/capture-report';
import { nodeNames } from '@sonde/cli/up/capture-files';
import { captureSource } from '@sonde/collector/pcap/source';
import { contextFromObjects } from '@sonde/enricher/pipeline/context';
import { enrich } from '@sonde/enricher/pipeline/enrich';
import { enrichDns } from '@sonde/enricher/pipeline/enrich-dns';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { dnsFields } from '@sonde/model/dns/fields';
import type { DnsRow } from '@sonde/model/dns/records';
import { type EnrichedFlows, type FlowRow, flowRow } from '@sonde/model/flow/records';
import { recordRow } from '@sonde/model/record/rows';
import { batchOf } from '../builders/batch.js';

/** What `sonde up --pcap` makes of capture files. */
export interface CapturedRecords {
  readonly flows: readonly FlowRow[];
  readonly dns: readonly DnsRow[];
  /** The flows as the store receives them. */
  readonly blocks: readonly EnrichedFlows[];
  /** The lines on standard error. */
  readonly said: readonly string[];
}

/** Interval of `sonde up`. */
const WINDOW_MS = 2000;

/** Reads capture files, each as a node, one after the other; `objects` are those of the cluster. */
export async function capturedRecords(
  folder: string,
  files: readonly string[],
  objects: readonly KubernetesObject[] = [],
): Promise<CapturedRecords> {
  const flows: FlowRow[] = [];
  const dns: DnsRow[] = [];
  const blocks: EnrichedFlows[] = [];
  const said: string[] = [];
  const { context } = contextFromObjects(objects);
  for (const [file, node] of nodeNames(files.map((name) => path.join(folder, name)))) {
    const source = captureSource({
      file,
      windowMs: WINDOW_MS,
      onEnd: (summary) => said.push(...captureReport(summary, undefined)),
    });
    for await (const { rows, columns, dns: lookups } of source.windows()) {
      const batch = batchOf({ rows, columns }, { node, ...(lookups && { dns: lookups }) });
      const delivered = [{ batch, partition: 0, offset: 0 }];
      const enrichedDns = enrichDns(delivered, context);
      for (let row = 0; row < enrichedDns.rows; row++)
        dns.push(recordRow(dnsFields, enrichedDns.columns, row));
      const enriched = enrich(delivered, context);
      blocks.push(enriched);
      for (let row = 0; row < rows; row++) flows.push(flowRow(enriched.columns, row));
    }
  }
  return { flows, dns, blocks, said };
}
