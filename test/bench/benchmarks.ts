import { run as api } from './api/api.js';
import { run as collector } from './collector/captures.js';
import { run as identity } from './identity.js';
import { run as pipeline } from './pipeline.js';
import { run as policy } from './policy.js';
import { run as probe } from './probe.js';
import { run as store } from './store.js';

/** A benchmark; returns figures named `group.figureWithUnit`. */
export type Benchmark = () => Promise<Record<string, number>>;

/** The benchmarks by the names that `npm run bench` takes. */
export const benchmarks: Readonly<Record<string, Benchmark>> = {
  collector,
  pipeline,
  store,
  policy,
  probe,
  identity,
  api,
};
