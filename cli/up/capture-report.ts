import type { CaptureSummary } from '@sonde/collector/pcap/capture-counts';
import { LOCAL_SERVER } from '../client/connection.js';

/** Why packets are in no flow, by the name of the counter. */
const REASONS: Readonly<Record<string, string>> = {
  packets_absurd_time: 'with an absurd time',
  packets_absurd_length: 'with an absurd length',
  packets_without_time: 'without a time',
  packets_link_type_not_supported: 'of a link type that is not supported',
  packets_malformed: 'malformed or cut off before the ports',
  packets_not_ip: 'not IP',
  packets_copied: 'copies of packets that were counted at another interface',
};

/** What there is to say of a capture file that was read, in lines; the command shows its flows. */
export function captureReport(summary: CaptureSummary, apiUrl: string | undefined): string[] {
  const { file, packets, firstMs, lastMs, leftOut, linkTypes, problem } = summary;
  const name = file === '-' ? 'standard input' : file;
  const lines = [];
  if (problem !== undefined)
    lines.push(packets === 0 ? `${problem}.` : `${problem}. The packets before are counted.`);
  const total = `${count(packets)}${linkTypes.length > 0 ? ` (${linkTypes.join(', ')})` : ''}`;
  if (firstMs === undefined || lastMs === undefined) {
    if (problem === undefined || packets > 0) lines.push(`${name}: ${total}, without a time range.`);
  } else {
    const [from, to] = [new Date(Math.floor(firstMs)), new Date(Math.floor(lastMs) + 1)];
    const server = apiUrl === undefined || apiUrl === LOCAL_SERVER ? '' : ` --server ${apiUrl}`;
    lines.push(
      `${name}: ${total} from ${from.toISOString()} to ${to.toISOString()}. Show their flows: sonde observe --since ${from.toISOString()} --until ${to.toISOString()}${server}`,
    );
  }
  const reasons = [...leftOut].map(([reason, number]) => `${number} ${REASONS[reason] ?? reason}`);
  if (reasons.length > 0) lines.push(`${name}: packets in no flow: ${reasons.join(', ')}.`);
  return lines;
}

function count(packets: number): string {
  return packets === 1 ? '1 packet' : `${packets} packets`;
}
