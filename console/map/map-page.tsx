import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useMemo, useRef, useState } from 'react';
import { Failure } from '../api/answer-view.js';
import { ApiError } from '../api/error.js';
import { type Answer, useAnswer } from '../api/use-answer.js';
import { quoted } from '../filter/conditions.js';
import { FilterBar } from '../filter/filter-bar.js';
import { usePageState } from '../host/page-state.js';
import { download } from '../records/export-csv.js';
import { shifted, type TimeRange } from '../time/time-range.js';
import { Alert, Button, LoadingBar, RadioButtonGroup, Stack, Switch, useStyles2 } from '../kit/ui.js';
import { compareGraphs, edgeKey } from './compare.js';
import { EdgePanel } from './edge-panel.js';
import { EdgeTable } from './edge-table.js';
import { type MapMode, mapModes } from './edge-look.js';
import { type Graph, mapGraph, neighborhood } from './graph.js';
import { MapCanvas, type MapCanvasHandle } from './map-canvas.js';
import { nodeHeading } from './node-title.js';
import { usePositions } from './use-positions.js';

/** Edges that one request brings. */
const MAX_EDGES = 5000;

/** Who talked to whom: namespaces first, workloads of those that are expanded. */
export function MapPage() {
  const styles = useStyles2(getStyles);
  const [state, change] = usePageState();
  const canvas = useRef<MapCanvasHandle>(null);
  const [openedMs] = useState(Date.now);
  const mode = (mapModes.find((one) => one === state.value('mode')) ?? 'verdicts') satisfies MapMode;
  const expandedText = state.value('expanded') ?? '';
  const expanded = useMemo(
    () => new Set(expandedText.split(',').filter((name) => name !== '')),
    [expandedText],
  );
  const focus = state.value('focus');
  const isComparing = state.value('compare') === 'before';
  const now = useMapGraph(state.range, state.filter, expanded, focus);
  const before = useMapGraph(
    isComparing ? shifted(state.range, -1, openedMs) : undefined,
    state.filter,
    expanded,
    focus,
  );
  const compared = useMemo(
    () => (now.graph && before.graph ? compareGraphs(now.graph, before.graph) : undefined),
    [now.graph, before.graph],
  );
  const graph = compared ?? now.graph;
  const [positions, tidyUp] = usePositions(graph);
  const nodes = useMemo(() => new Map(graph?.nodes.map((node) => [node.id, node])), [graph]);
  const selected = state.value('selected');
  const edge = graph?.edges.find((one) => edgeKey(one) === selected);
  const node = selected === undefined ? undefined : nodes.get(selected);
  const filterError = now.error instanceof ApiError ? now.error.parameter('filter') : undefined;

  const select = (id: string | undefined) => change({ values: { selected: id } });
  const toggle = (namespace: string) => {
    const next = new Set(expanded);
    if (!next.delete(namespace)) next.add(namespace);
    change({ values: { expanded: next.size === 0 ? undefined : [...next].join(','), selected: undefined } });
  };
  const open = (id: string) => {
    const opened = nodes.get(id);
    if (opened?.kind === 'namespace') toggle(opened.name);
    else if (opened) change({ values: { focus: id, selected: undefined } });
  };

  return (
    <div className={styles.page}>
      <FilterBar error={filterError} />
      <Stack alignItems="center" gap={1} wrap="wrap">
        <RadioButtonGroup
          aria-label="What edges show"
          size="sm"
          options={mapModes.map((value) => ({ label: value, value }))}
          value={mode}
          onChange={(value) => change({ values: { mode: value === 'verdicts' ? undefined : value } })}
        />
        <label className={styles.switch}>
          <Switch
            value={isComparing}
            onChange={() => change({ values: { compare: isComparing ? undefined : 'before' } })}
          />
          Compare with the range before
        </label>
        <Button size="sm" variant="secondary" onClick={() => canvas.current?.fit()}>
          Fit
        </Button>
        <Button size="sm" variant="secondary" onClick={tidyUp}>
          Tidy up
        </Button>
        <Button
          size="sm"
          variant="secondary"
          icon="download-alt"
          onClick={() => canvas.current && download('map.png', canvas.current.png())}
        >
          PNG
        </Button>
        {focus !== undefined && (
          <Button size="sm" icon="times" onClick={() => change({ values: { focus: undefined } })}>
            Focus: {focus.replace(/^\w+\//, '')}
          </Button>
        )}
        {[...expanded].map((namespace) => (
          <Button
            key={namespace}
            size="sm"
            variant="secondary"
            icon="minus"
            onClick={() => toggle(namespace)}
            aria-label={`Collapse ${namespace}`}
          >
            {namespace}
          </Button>
        ))}
      </Stack>
      {now.isLoading && <LoadingBar width={400} ariaLabel="Loading the map" />}
      {now.error && !filterError && <Failure error={now.error} what="the map" />}
      {now.isTruncated && (
        <Alert
          severity="warning"
          title={`Shows the ${MAX_EDGES} edges with the most bytes; there are more. Narrow the filter or expand fewer namespaces.`}
        />
      )}
      {graph?.nodes.length === 0 && !now.isLoading && (
        <p>No flows match. Widen the time range or change the filter.</p>
      )}
      <div className={styles.main}>
        <div className={styles.canvas}>
          {graph && !positions && <p role="status">Arranging the map …</p>}
          {graph && positions && (
            <MapCanvas
              ref={canvas}
              graph={graph}
              positions={positions}
              mode={mode}
              changes={compared?.changes}
              selected={selected}
              onSelectEdge={select}
              onSelectNode={select}
              onOpenNode={open}
            />
          )}
        </div>
        {edge && (
          <div className={styles.panel}>
            <EdgePanel edge={edge} nodes={nodes} onClose={() => select(undefined)} />
          </div>
        )}
        {node && !edge && (
          <aside className={styles.panel} aria-label="Node">
            <h3>{nodeHeading(node)}</h3>
            <Button size="sm" onClick={() => open(node.id)}>
              {node.kind === 'namespace' ? 'Expand' : 'Focus'}
            </Button>
          </aside>
        )}
      </div>
      <div className={styles.table}>
        <EdgeTable edges={graph?.edges ?? []} nodes={nodes} selected={selected} onSelect={select} />
      </div>
    </div>
  );
}

interface LoadedMap {
  readonly graph: ReturnType<typeof mapGraph> | undefined;
  readonly isLoading: boolean;
  readonly isTruncated: boolean;
  readonly error: Error | undefined;
}

/** The graph of a range; nothing without one. */
function useMapGraph(
  range: TimeRange | undefined,
  filter: string,
  expanded: ReadonlySet<string>,
  focus: string | undefined,
): LoadedMap {
  const names = [...expanded];
  const inExpanded = `either(namespace in [${names.map(quoted).join(', ')}])`;
  const narrowed = focus === undefined ? inExpanded : focusCondition(focus);
  const workloadFilter = filter === '' ? narrowed : `(${filter}) && ${narrowed}`;
  const needsWorkloads = expanded.size > 0 || focus !== undefined;
  const namespaces = useGraph(focus === undefined ? range : undefined, filter, 'namespace');
  const workloads = useGraph(needsWorkloads ? range : undefined, workloadFilter, 'workload');
  const graph = useMemo(() => {
    if (!range) return undefined;
    if (focus !== undefined) {
      if (!workloads.data) return undefined;
      const nodes = workloads.data.nodes.map((node) => ({ ...node, group: undefined }));
      return neighborhood({ nodes, edges: workloads.data.edges }, focus);
    }
    return (
      namespaces.data && mapGraph(namespaces.data, needsWorkloads ? workloads.data : undefined, expanded)
    );
  }, [range, focus, needsWorkloads, namespaces.data, workloads.data, expanded]);
  const answers = [namespaces, workloads];
  return {
    graph,
    isLoading: answers.some(({ state }) => state === 'loading'),
    isTruncated: graph !== undefined && answers.some(({ data }) => data?.truncated === true),
    error: answers.flatMap((answer) => (answer.state === 'failed' ? [answer.error] : []))[0],
  };
}

function useGraph(range: TimeRange | undefined, filter: string, level: string): Answer<Graph> {
  const key = range && JSON.stringify(['graph', range, filter, level]);
  return useAnswer(key, (query, signal) =>
    query.get<Graph>('/api/v1/graph', { ...range, filter, level, limit: MAX_EDGES }, signal),
  );
}

/** The condition that one end is the node in focus. */
function focusCondition(focus: string): string {
  const [kind = '', ...rest] = focus.split('/');
  const name = rest.pop() ?? '';
  const [namespace] = rest;
  const own =
    kind === 'workload'
      ? `workload == ${quoted(name)}`
      : kind === 'external'
        ? `domain == ${quoted(name)}`
        : `name == ${quoted(name)}`;
  return `either(${namespace === undefined ? '' : `namespace == ${quoted(namespace)} && `}${own})`;
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({ display: 'flex', flexDirection: 'column', gap: theme.spacing(1), height: '100%' }),
  main: css({
    display: 'flex',
    flex: '2 1 0',
    minHeight: 320,
    border: `1px solid ${theme.colors.border.weak}`,
  }),
  canvas: css({ position: 'relative', flex: 1 }),
  panel: css({
    width: 420,
    overflow: 'auto',
    padding: theme.spacing(2),
    borderLeft: `1px solid ${theme.colors.border.weak}`,
  }),
  table: css({ flex: '1 1 0', minHeight: 120, overflow: 'auto' }),
  switch: css({ display: 'flex', alignItems: 'center', gap: theme.spacing(1) }),
});
