import type { FlowSource, ObservedWindow } from '@sonde/collector/source/flow-source';
import { observedFlows, type ObservedFlowRow } from '../builders/observed-flows.js';

/** A source of flows that a test writes, window by window. */
export class ScriptedSource implements FlowSource {
  readonly #windows: ObservedWindow[] = [];
  #isStopped = false;
  #wake: (() => void) | undefined;

  /** Reports a window of these flows. */
  report(rows: readonly ObservedFlowRow[]): void {
    this.#windows.push({ ...observedFlows(rows), counters: new Map() });
    this.#wake?.();
  }

  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
  }

  async *windows(): AsyncGenerator<ObservedWindow> {
    for (;;) {
      const window = this.#windows.shift();
      if (window) yield window;
      else if (this.#isStopped) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
