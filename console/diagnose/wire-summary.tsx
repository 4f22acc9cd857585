import { AnswerView } from '../api/answer-view.js';
import { useAnswer } from '../api/use-answer.js';
import { quoted } from '../filter/conditions.js';
import { usePageLink } from '../host/page-state.js';
import { formatBytes, formatCount, formatMicros } from '../records/quantity.js';
import type { TimeRange } from '../time/time-range.js';
import { LinkButton } from '../kit/ui.js';
import { DataTable } from '../records/data-table.js';
import { formatTime } from '../time/time-range.js';
import { usePageState } from '../host/page-state.js';

interface Properties {
  readonly src: string;
  readonly dst: string;
  readonly port: string | undefined;
  readonly range: TimeRange;
}

/** A table of `POST /api/v1/query`. */
interface Table {
  readonly columns: readonly { readonly name: string }[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/** What the wire showed between two ends in a time range, by evidence. */
export function WireSummary({ src, dst, port, range }: Properties) {
  const link = usePageLink();
  const [{ zone }] = usePageState();
  const filter = pairFilter(src, dst, port);
  const answer = useAnswer(JSON.stringify(['wire', range, filter]), (query, signal) =>
    query.post<Table>(
      '/api/v1/query',
      {
        ...range,
        filter,
        groupBy: ['evidence', 'action', 'drop_reason'],
        metrics: [
          { function: 'count' },
          { function: 'sum', field: 'bytes' },
          { function: 'max', field: 'start_time' },
          { function: 'quantile', field: 'rtt_us', quantile: 0.95 },
        ],
      },
      signal,
    ),
  );
  return (
    <section aria-label="On the wire">
      <h3>On the wire</h3>
      <AnswerView answer={answer} what="traffic">
        {({ rows }) =>
          rows.length === 0 ? (
            <p>
              No flows between the two in the time range. The verdict above holds whether they talk or not.
            </p>
          ) : (
            <>
              <DataTable
                label="On the wire"
                titles={['Evidence', 'Verdict', 'Drop reason', 'Flows', 'Bytes', 'Latest', 'RTT p95']}
                rows={rows.map(([evidence, action, reason, count, bytes, latest, rtt]) => [
                  evidence,
                  action,
                  reason,
                  formatCount(Number(count)),
                  formatBytes(Number(bytes)),
                  typeof latest === 'string' && formatTime(Date.parse(latest), zone, true),
                  formatMicros(rtt === null ? null : Number(rtt)),
                ])}
              />
              <LinkButton size="sm" fill="text" href={link('flows', { filter })}>
                Show these flows
              </LinkButton>
            </>
          )
        }
      </AnswerView>
    </section>
  );
}

/** The filter of flows between two ends named as on the Diagnose page. */
function pairFilter(src: string, dst: string, port: string | undefined): string {
  const conditions = [endCondition('src', src), endCondition('dst', dst)];
  if (port !== undefined) conditions.push(`dst.port == ${port}`);
  return conditions.join(' && ');
}

function endCondition(side: 'src' | 'dst', name: string): string {
  const service = /^service\/([^/]+)\/(.+)$/.exec(name);
  if (service && side === 'dst') {
    return `dst.service_namespace == ${quoted(service[1] ?? '')} && dst.service == ${quoted(service[2] ?? '')}`;
  }
  const [namespace, workload] = name.split('/');
  if (workload !== undefined) {
    const ns = quoted(namespace ?? '');
    const own = quoted(workload);
    const isPod = `${side}.namespace == ${ns} && (${side}.workload == ${own} || ${side}.name == ${own})`;
    return side === 'src' ? isPod : `(${isPod} || dst.service_namespace == ${ns} && dst.service == ${own})`;
  }
  return /^[\d.]+$|:/.test(name) ? `${side}.ip == ${quoted(name)}` : `domain(${side}, ${quoted(name)})`;
}
