import type { GrafanaTheme2 } from '@grafana/data';
import cytoscape, {
  type Core,
  type ElementDefinition,
  type StylesheetJson,
  type EventObject,
  type SingularElementReturnValue,
} from 'cytoscape';
import { forwardRef, useEffect, useImperativeHandle, useRef } from 'react';
import { useTheme2 } from '../kit/ui.js';
import { edgeKey, type EdgeChange } from './compare.js';
import { edgeLook, type MapMode } from './edge-look.js';
import type { MapGraph } from './graph.js';
import { NODE_HEIGHT, NODE_WIDTH, type Positions } from './layout.js';
import { nodeTitle } from './node-title.js';

export interface MapCanvasHandle {
  /** The picture as a PNG. */
  readonly png: () => Blob;
  readonly fit: () => void;
}

interface Properties {
  readonly graph: MapGraph;
  readonly positions: Positions;
  readonly mode: MapMode;
  readonly changes: ReadonlyMap<string, EdgeChange> | undefined;
  /** Edge key or node id. */
  readonly selected: string | undefined;
  readonly onSelectEdge: (key: string) => void;
  readonly onSelectNode: (id: string) => void;
  /** A node was double-clicked: expand a namespace, or focus on a workload. */
  readonly onOpenNode: (id: string) => void;
}

/** The map as a drawing. The table beside it holds the same data for keyboards and screen readers. */
export const MapCanvas = forwardRef<MapCanvasHandle, Properties>(function MapCanvas(properties, handle) {
  const { graph, positions, mode, changes, selected } = properties;
  const theme = useTheme2();
  const container = useRef<HTMLDivElement>(null);
  const drawing = useRef<Core>(undefined);
  const latest = useRef(properties);
  useEffect(() => {
    latest.current = properties;
  });

  useEffect(() => {
    const graphic = cytoscape({
      container: container.current,
      style: styleOf(theme),
      layout: { name: 'preset' },
      maxZoom: 3,
      minZoom: 0.05,
      hideEdgesOnViewport: false,
      textureOnViewport: true,
      pixelRatio: 1,
    });
    const idOf = ({ target }: EventObject) => (target as SingularElementReturnValue).id();
    graphic.on('tap', 'edge', (event) => latest.current.onSelectEdge(idOf(event)));
    graphic.on('tap', 'node[kind]', (event) => latest.current.onSelectNode(idOf(event)));
    graphic.on('dbltap', 'node[kind]', (event) => latest.current.onOpenNode(idOf(event)));
    drawing.current = graphic;
    return () => graphic.destroy();
  }, [theme]);

  useEffect(() => {
    const graphic = drawing.current;
    if (!graphic) return;
    const isFirst = graphic.elements().empty();
    graphic.json({ elements: elementsOf(graph, positions, mode, changes, theme) });
    if (isFirst) graphic.fit(undefined, 40);
  }, [graph, positions, mode, changes, theme]);

  useEffect(() => {
    const graphic = drawing.current;
    graphic?.elements().unselect();
    if (selected !== undefined) graphic?.getElementById(selected).select();
  }, [selected, graph]);

  useImperativeHandle(handle, () => ({
    png: () =>
      drawing.current?.png({
        output: 'blob',
        full: true,
        scale: 2,
        bg: theme.colors.background.primary,
      }) as Blob,
    fit: () => void drawing.current?.fit(undefined, 40),
  }));

  return (
    <div
      ref={container}
      role="img"
      aria-label="Map of who talks to whom; the table below the map lists the same edges"
      style={{ position: 'absolute', inset: 0 }}
    />
  );
});

function elementsOf(
  { nodes, edges }: MapGraph,
  positions: Positions,
  mode: MapMode,
  changes: ReadonlyMap<string, EdgeChange> | undefined,
  theme: GrafanaTheme2,
): ElementDefinition[] {
  const groups = new Set(nodes.flatMap(({ group }) => group ?? []));
  return [
    ...[...groups].map((id) => ({
      data: { id: `group ${id}`, label: id.replace(/^namespace\//, '') },
      classes: 'group',
    })),
    ...nodes.map((node) => ({
      data: {
        id: node.id,
        kind: node.kind,
        label: nodeTitle(node),
        ...(node.group !== undefined && { parent: `group ${node.group}` }),
      },
      position: { ...(positions[node.id] ?? { x: 0, y: 0 }) },
    })),
    ...edges.map((edge) => {
      const key = edgeKey(edge);
      const { color, dash, width, label } = edgeLook(edge, mode, theme, changes?.get(key));
      const isLoop = edge.source === edge.target;
      return {
        data: { id: key, source: edge.source, target: edge.target, isLoop, color, dash, width, label },
      };
    }),
  ];
}

function styleOf(theme: GrafanaTheme2): StylesheetJson {
  const { colors } = theme;
  return [
    {
      selector: 'node',
      style: {
        'background-color': colors.background.secondary,
        'border-color': colors.border.strong,
        'border-width': 1,
        color: colors.text.primary,
        'font-family': 'Inter, sans-serif',
        'font-size': 12,
        label: 'data(label)',
        'text-valign': 'center',
        'text-halign': 'center',
        'text-wrap': 'ellipsis',
        'text-max-width': '130px',
        shape: 'round-rectangle',
        width: NODE_WIDTH,
        height: NODE_HEIGHT,
        'min-zoomed-font-size': 6,
      },
    },
    { selector: 'node[kind = "namespace"]', style: { 'border-width': 3, 'font-weight': 'bold' } },
    { selector: 'node[kind = "external"]', style: { shape: 'ellipse', 'border-style': 'dashed' } },
    { selector: 'node[kind = "network_set"]', style: { shape: 'hexagon' } },
    { selector: 'node[kind = "hidden"]', style: { 'border-style': 'dotted' } },
    {
      selector: '.group',
      style: { 'text-valign': 'top', 'background-opacity': 0.3, padding: '20px', 'text-max-width': '400px' },
    },
    {
      selector: 'edge',
      style: {
        'curve-style': 'straight',
        'line-color': 'data(color)',
        'target-arrow-color': 'data(color)',
        'target-arrow-shape': 'triangle',
        'line-style': 'data(dash)' as never,
        width: 'data(width)',
        label: 'data(label)',
        'font-size': 10,
        color: colors.text.primary,
        'text-background-color': colors.background.primary,
        'text-background-opacity': 0.8,
        'min-zoomed-font-size': 7,
      },
    },
    { selector: 'edge[?isLoop]', style: { 'curve-style': 'bezier' } },
    {
      selector: ':selected',
      style: {
        'border-color': colors.primary.main,
        'border-width': 4,
        'overlay-color': colors.primary.main,
        'overlay-opacity': 0.15,
      },
    },
  ];
}
