import { useEffect, useRef, useState } from 'react';
import type { MapGraph } from './graph.js';
import type { Positions } from './layout.js';
import type { LayoutAnswer, LayoutRequest } from './layout-worker.js';

const STORAGE_KEY = 'sonde.map.positions';

/** Positions of the nodes of a graph, computed in a worker and kept across visits; and a function that forgets them. */
export function usePositions(graph: MapGraph | undefined): readonly [Positions | undefined, () => void] {
  const [positions, setPositions] = useState<Positions>(readKept);
  const [version, setVersion] = useState(0);
  const worker = useRef<Worker>(undefined);
  const known = useRef(positions);
  useEffect(() => {
    known.current = positions;
  });

  useEffect(() => {
    worker.current = new Worker(new URL('./layout-worker.js', import.meta.url), { type: 'module' });
    return () => worker.current?.terminate();
  }, []);

  useEffect(() => {
    const current = worker.current;
    if (!graph || !current || graph.nodes.every(({ id }) => known.current[id])) return;
    const id = version;
    current.onmessage = ({ data }: MessageEvent<LayoutAnswer>) => {
      setPositions(data.positions);
      localStorage.setItem(STORAGE_KEY, JSON.stringify(data.positions));
    };
    current.postMessage({ id, graph, known: known.current } satisfies LayoutRequest);
  }, [graph, version]);

  const tidyUp = () => {
    known.current = {};
    setPositions({});
    setVersion((current) => current + 1);
  };
  const isPlaced = graph?.nodes.every(({ id }) => positions[id]) === true;
  return [isPlaced ? positions : undefined, tidyUp];
}

function readKept(): Positions {
  try {
    return JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}') as Positions;
  } catch {
    // Positions stored by another version of the page are unusable; the layout starts again.
    return {};
  }
}
