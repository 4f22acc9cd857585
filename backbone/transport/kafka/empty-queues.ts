import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The queue of a connection's pending requests in kafkajs. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

let isInstalled = false;

/**
 * Makes kafkajs check for pending requests only if there are some. kafkajs 2.2 checks every connection that has ever sent
 * something every millisecond, on every node. A request that has to wait starts the checks by itself.
 */
export function stopIdlePolling(): void {
  if (isInstalled) return;
  isInstalled = true;
  const { prototype } = require('kafkajs/src/network/requestQueue/index.js') as { prototype: RequestQueue };
  const { scheduleCheckPendingRequests } = prototype;
  prototype.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this);
  };
}
