import { Counter, Gauge, type Registry } from 'prom-client';

/** A metric whose value is read from elsewhere at each scrape. */
export interface CollectedMetric<Label extends string = never> {
  readonly name: string;
  readonly help: string;
  readonly labelNames?: readonly Label[];
  /** The current value, or one value per combination of labels. */
  collect(): number | Iterable<readonly [labels: Readonly<Record<Label, string>>, value: number]>;
}

/** Registers a counter for a total that is kept elsewhere. */
export function collectedCounter<Label extends string = never>(
  registry: Registry,
  metric: CollectedMetric<Label>,
): void {
  new Counter<Label>({
    ...declaration(registry, metric),
    collect() {
      this.reset();
      for (const [labels, value] of samplesOf(metric)) this.inc(labels, value);
    },
  });
}

/** Registers a gauge for a value that is kept elsewhere. */
export function collectedGauge<Label extends string = never>(
  registry: Registry,
  metric: CollectedMetric<Label>,
): void {
  new Gauge<Label>({
    ...declaration(registry, metric),
    collect() {
      this.reset();
      for (const [labels, value] of samplesOf(metric)) this.set(labels, value);
    },
  });
}

function declaration<Label extends string>(
  registry: Registry,
  { name, help, labelNames = [] }: CollectedMetric<Label>,
) {
  return { name, help, labelNames: [...labelNames], registers: [registry] };
}

function samplesOf<Label extends string>(
  metric: CollectedMetric<Label>,
): Iterable<readonly [Partial<Record<Label, string>>, number]> {
  const collected = metric.collect();
  return typeof collected === 'number' ? [[{}, collected]] : collected;
}
