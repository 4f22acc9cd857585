import type { GrafanaTheme2 } from '@grafana/data';
import { formatBytes, formatCount, formatMicros } from '../records/quantity.js';
import type { EdgeChange } from './compare.js';
import type { GraphEdge } from './graph.js';

/** What the edges of the map show. */
export const mapModes = ['verdicts', 'bytes', 'errors', 'latency', 'drops', 'retransmits'] as const;
export type MapMode = (typeof mapModes)[number];

/** How an edge is drawn; color never stands alone, dash and label say the same. */
export interface EdgeLook {
  readonly color: string;
  readonly dash: 'solid' | 'dashed' | 'dotted';
  /** In pixels. */
  readonly width: number;
  readonly label: string;
}

/** The look of an edge in a mode; with a change, the change is what it shows. */
export function edgeLook(
  edge: GraphEdge,
  mode: MapMode,
  theme: GrafanaTheme2,
  change?: EdgeChange,
): EdgeLook {
  const { success, error, warning, info, secondary } = theme.colors;
  const width = widthOf(edge);
  if (change === 'new') return { color: info.main, dash: 'solid', width, label: 'new' };
  if (change === 'gone') return { color: secondary.main, dash: 'dotted', width: 2, label: 'gone' };
  if (change === 'verdict') return { color: warning.main, dash: 'dashed', width, label: 'verdict changed' };
  const graded = (isBad: boolean, label: string): EdgeLook => ({
    color: isBad ? error.main : success.main,
    dash: isBad ? 'dashed' : 'solid',
    width,
    label: isBad ? label : '',
  });
  switch (mode) {
    case 'verdicts':
      if (edge.denied > 0) {
        const label = edge.allowed > 0 ? '⊘ partly denied' : '⊘ denied';
        return { color: error.main, dash: 'dashed', width, label };
      }
      if (edge.contradictions > 0)
        return { color: warning.main, dash: 'dotted', width, label: '! contradiction' };
      if (edge.unknown > edge.allowed)
        return { color: secondary.main, dash: 'dotted', width, label: '? unknown' };
      return { color: success.main, dash: 'solid', width, label: '' };
    case 'bytes':
      return { color: info.main, dash: 'solid', width, label: `${formatBytes(rate(edge))}/s` };
    case 'errors':
      return graded(edge.errors > 0, `${formatCount(edge.errors)} errors`);
    case 'latency':
      return { ...graded((edge.rttP95Micros ?? 0) > 100_000, ''), label: formatMicros(edge.rttP95Micros) };
    case 'drops':
      return graded(edge.droppedPackets > 0, `${formatCount(edge.droppedPackets)} dropped`);
    case 'retransmits':
      return graded(edge.retransmits > 0, `${formatCount(edge.retransmits)} retransmits`);
  }
}

function rate({ bytesOutPerSecond, bytesInPerSecond }: GraphEdge): number {
  return bytesOutPerSecond + bytesInPerSecond;
}

/** 1 to 8 pixels, by the logarithm of the rate. */
function widthOf(edge: GraphEdge): number {
  return Math.min(8, 1 + Math.log10(1 + rate(edge)));
}
