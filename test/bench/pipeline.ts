import { distributed } from './pipeline/distributed.js';
import { embedded } from './pipeline/embedded.js';

/** Measures the cost of a flow from the probe to the store, in one process and through Kafka. */
export async function run(): Promise<Record<string, number>> {
  return { ...(await embedded()), ...(await distributed()) };
}
