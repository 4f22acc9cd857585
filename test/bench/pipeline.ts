import { distributed } from './pipeline/distributed.js';
import { embedded } from './pipeline/embedded.js';

/** What it costs to bring a flow from where it is seen into the store, in one process and through Kafka. */
export async function run(): Promise<Record<string, number>> {
  return { ...(await embedded()), ...(await distributed()) };
}
