import { endpointName, type NamedEndpoint } from '@sonde/model/flow/endpoint-name';
import { bytesText } from '../flow-table/cells.js';
import { portOrTypeText } from '../flow-table/ports.js';
import { counted } from '../table/counted.js';
import { formatTable } from '../table/format.js';
import type { Screen } from '../table/screen.js';
import { decidingStep, policyText } from '../table/trace-text.js';

/** The response of `POST /api/v1/policies/preview`. */
export interface PreviewAnswer {
  readonly flows: number;
  readonly summary: readonly {
    readonly before: string;
    readonly after: string;
    readonly flows: number;
    readonly connections: number;
    readonly bytes: number;
  }[];
  readonly changes: readonly PreviewChange[];
  readonly more: number;
  readonly notEvaluated: readonly { readonly reason: string; readonly flows: number }[];
}

interface PreviewChange {
  readonly source: PreviewEnd;
  readonly destination: PreviewEnd & { readonly domain: string };
  readonly protocol: number;
  readonly port: number;
  readonly before: { readonly verdict: string; readonly policies: readonly string[] };
  readonly after: { readonly verdict: string; readonly policies: readonly string[] };
  readonly connections: number;
  readonly bytes: number;
  readonly example: Readonly<Record<'src_ip' | 'src_name' | 'dst_ip' | 'dst_name', string>>;
}

interface PreviewEnd {
  readonly kind: NamedEndpoint['kind'];
  readonly namespace: string;
  readonly workload: string;
}

/** A preview as text: changed verdicts with the deciding policies, and flows that cannot be evaluated. */
export function previewText(answer: PreviewAnswer, { paint, width }: Screen): string {
  const { flows, summary, changes, more, notEvaluated } = answer;
  const lines = summary.map(
    ({ before, after, flows: changed, connections, bytes }) =>
      `${counted(changed, 'flow')} (${counted(connections, 'connection')}, ${bytesText(bytes)}): ${before} → ${paint(after === 'deny' ? 'red' : 'green', after)}`,
  );
  const rows = changes.map((change) => [
    endText({ ...change.source, domain: '' }, change.example.src_name, change.example.src_ip),
    endText(change.destination, change.example.dst_name, change.example.dst_ip),
    portOrTypeText(change.protocol, change.port),
    `${change.before.verdict} → ${change.after.verdict}`,
    String(change.connections),
    bytesText(change.bytes),
    decidedBy(change.after.policies),
  ]);
  const header = ['SOURCE', 'DESTINATION', 'PORT', 'VERDICT', 'CONNECTIONS', 'BYTES', 'DECIDED BY'];
  return [
    ...(lines.length > 0 ? lines : [`No verdict of ${counted(flows, 'flow')} would change.`]),
    ...(rows.length > 0 ? ['', formatTable(header, rows, { numbers: [4, 5], width })] : []),
    ...(more > 0 ? [`${more} more groups of flows: raise --limit.`] : []),
    ...notEvaluated.map(({ reason, flows: left }) => `${left} flows were not evaluated: ${reason}.`),
  ].join('\n');
}

function endText(end: PreviewEnd & { readonly domain: string }, name: string, address: string): string {
  return endpointName({ ...end, name, address });
}

/** The policy that decides after the change. */
function decidedBy(policies: readonly string[]): string {
  const step = decidingStep(policies);
  return step ? policyText(step) : 'no policy';
}
