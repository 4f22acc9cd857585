import type { DnsRow } from '@sonde/model/dns/records';
import type { FlowRow } from '@sonde/model/flow/records';
import { flowCells } from '../flow-table/cells.js';
import { colorOfVerdict, type Paint } from '../flow-table/color.js';
import { clientText } from './dns-lines.js';

/** A flow as one short line: `12:00:00.000 shop/web -> shop/backend tcp 8080 allow, delivered`. */
export function compactFlow(flow: FlowRow, paint: Paint): string {
  const { time, source, destination, port, verdict } = flowCells(flow);
  return `${time} ${source} -> ${destination} ${port} ${paint(colorOfVerdict(flow), verdict)}`;
}

/** A lookup as one short line: `12:00:00.000 shop/web A api.example.com NOERROR 192.0.2.1`. */
export function compactLookup(lookup: DnsRow, paint: Paint): string {
  const response = lookup.answered ? lookup.rcode : 'none';
  const color = lookup.rcode === 'NOERROR' ? 'green' : 'yellow';
  const parts = [
    lookup.start_time.slice(11, 23),
    clientText(lookup),
    lookup.query_type,
    lookup.query_name,
    paint(color, response),
    lookup.answers,
  ];
  return parts.join(' ').trimEnd();
}
