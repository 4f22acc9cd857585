import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useState } from 'react';
import { Failure } from '../api/answer-view.js';
import { ApiError } from '../api/error.js';
import { FilterBar } from '../filter/filter-bar.js';
import { negated, withCondition } from '../filter/conditions.js';
import { usePageState } from '../host/page-state.js';
import { downloadCsv } from '../records/export-csv.js';
import type { Flow } from '../records/flow.js';
import { describeRange } from '../time/time-range.js';
import { Alert, Button, LoadingBar, Stack, useStyles2 } from '../kit/ui.js';
import { ColumnChoice } from './column-choice.js';
import { columnOf, DEFAULT_COLUMNS } from './columns.js';
import { FlowDrawer } from './flow-drawer.js';
import { FlowTable } from './flow-table.js';
import { useFlows, useLiveFlows } from './use-flows.js';

/** Flows of a time range, or as they arrive. */
export function FlowsPage() {
  const styles = useStyles2(getStyles);
  const [state, change] = usePageState();
  const [reload, setReload] = useState(0);
  const [selected, setSelected] = useState<Flow>();
  const mode = state.value('live');
  const isLive = mode !== undefined;
  const answer = useFlows(state, !isLive, reload);
  const live = useLiveFlows(state.filter, mode === 'on');
  const columnIds = state.value('columns')?.split(',') ?? DEFAULT_COLUMNS;
  const flows = isLive ? live.flows : (answer.data?.flows ?? []);
  const error = isLive ? live.error : answer.state === 'failed' ? answer.error : undefined;
  const filterError = error instanceof ApiError ? error.parameter('filter') : undefined;

  return (
    <div className={styles.page}>
      <FilterBar error={filterError} />
      <Stack alignItems="center" gap={1}>
        <Button
          variant={mode === 'on' ? 'primary' : 'secondary'}
          icon={mode === 'on' ? 'pause' : 'play'}
          onClick={() => change({ values: { live: mode === 'on' ? 'paused' : 'on' } })}
        >
          {mode === 'on' ? 'Pause' : 'Live'}
        </Button>
        {isLive ? (
          <Button variant="secondary" onClick={() => change({ values: { live: undefined } })}>
            Show the time range
          </Button>
        ) : (
          <Button variant="secondary" icon="sync" onClick={() => setReload(reload + 1)}>
            Refresh
          </Button>
        )}
        <span role="status">
          {isLive
            ? `${flows.length} flows since the live view started`
            : `${flows.length}${answer.data?.next ? ' newest' : ''} flows, ${describeRange(state.range, state.zone)}`}
        </span>
        <div className={styles.right}>
          <Button
            variant="secondary"
            icon="download-alt"
            disabled={flows.length === 0}
            onClick={() => downloadCsv('flows.csv', flows)}
          >
            CSV
          </Button>
          <ColumnChoice
            chosen={columnIds}
            onChange={(ids) => change({ values: { columns: ids?.join(',') } }, true)}
          />
        </div>
      </Stack>
      {answer.state === 'loading' && !isLive && <LoadingBar width={400} ariaLabel="Loading flows" />}
      {error && !filterError && <Failure error={error} what="flows" />}
      {!isLive && answer.data?.next && (
        <Alert
          severity="info"
          title={`Shows the newest ${flows.length} flows; there are more. Narrow the filter or the time range to see the others.`}
        />
      )}
      {live.dropped > 0 && isLive && (
        <Alert
          severity="warning"
          title={`${live.dropped} flows left out: more arrived than could be shown. Narrow the filter.`}
        />
      )}
      {flows.length === 0 && !error && answer.state !== 'loading' && (
        <p>
          {isLive
            ? 'Waiting for flows that match the filter.'
            : 'No flows match. Widen the time range or remove a condition of the filter.'}
        </p>
      )}
      <FlowTable
        flows={flows}
        columns={columnIds.map(columnOf)}
        zone={state.zone}
        selected={selected}
        onSelect={setSelected}
        onFilter={(condition, exclude) =>
          change({ filter: withCondition(state.filter, exclude ? negated(condition) : condition) })
        }
      />
      {selected && <FlowDrawer flow={selected} onClose={() => setSelected(undefined)} />}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(1), height: '100%' }),
  right: css({ marginLeft: 'auto', display: 'flex', gap: theme.spacing(1) }),
});
