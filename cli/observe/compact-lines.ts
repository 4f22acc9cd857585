import type { DnsRow } from '@sonde/model/dns/records';
import type { FlowRow } from '@sonde/model/flow/records';
import { flowCells } from '../flow-table/cells.js';
import { colorOfVerdict, type Paint } from '../table/color.js';
import { type TimeFormat, timeText } from '../table/time.js';
import { clientText, responseColor, responseText } from './dns-lines.js';

/** A flow as one short line: `12:00:00.000 shop/web -> shop/backend tcp 8080 allow, delivered`. */
export function compactFlow(flow: FlowRow, times: TimeFormat, paint: Paint): string {
  const { time, source, destination, port, verdict } = flowCells(flow, times);
  return `${time} ${source} -> ${destination} ${port} ${paint(colorOfVerdict(flow), verdict)}`;
}

/** A lookup as one short line: `12:00:00.000 shop/web A api.example.com NOERROR 192.0.2.1`. */
export function compactLookup(lookup: DnsRow, times: TimeFormat, paint: Paint): string {
  const parts = [
    timeText(lookup.start_time, times),
    clientText(lookup),
    lookup.query_type,
    lookup.query_name,
    paint(responseColor(lookup), responseText(lookup)),
    lookup.answers,
  ];
  return parts.join(' ').trimEnd();
}
