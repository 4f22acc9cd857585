import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/** The requests of a connection that wait to be sent, as kafkajs has them. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

let isInstalled = false;

/**
 * Has kafkajs look after requests that wait only where there are some. kafkajs 2.2 looks every millisecond at each
 * connection that has ever sent something: on every node, for nothing. A request that has to wait begins it by itself.
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
