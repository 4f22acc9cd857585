import { usePageState } from '../host/page-state.js';
import { formatCount } from '../records/quantity.js';
import { useAggregate } from '../records/query-table.js';
import { Alert } from '../kit/ui.js';

/** What was not seen, beside what was: sampling, flows of unknown verdict, and how many nodes reported. */
export function CoverageBar() {
  const [state] = usePageState();
  const answer = useAggregate(state, {
    table: 'flows',
    metrics: [
      { function: 'count', name: 'flows' },
      { function: 'distinct', field: 'node', name: 'nodes' },
      { function: 'max', field: 'sampling', name: 'sampling' },
      { function: 'max', field: 'end_time', name: 'latest' },
    ],
  });
  const unknown = useAggregate(state, {
    table: 'flows',
    metrics: [{ function: 'count', name: 'flows' }],
    filter: 'action == "unknown"',
  });
  const [row] = answer.data?.rows ?? [];
  if (!row) return null;
  const [flows, nodes, sampling, latest] = row;
  const withoutVerdict = Number(unknown.data?.rows[0]?.[0] ?? 0);
  return (
    <>
      <p role="status">
        {formatCount(Number(flows))} flows from {String(nodes)} nodes; latest {String(latest ?? '–')};{' '}
        {formatCount(withoutVerdict)} without a verdict.
      </p>
      {Number(sampling) > 1 && (
        <Alert
          severity="warning"
          title={`Some nodes count one packet in ${String(sampling)}: bytes and packets are estimates, and short connections are missing.`}
        />
      )}
    </>
  );
}
