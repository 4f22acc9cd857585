const SHUTDOWN_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Resolves at the next shutdown signal. A second signal ends the process immediately, as it does by default. */
export function nextShutdownSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals) => {
      for (const one of SHUTDOWN_SIGNALS) process.off(one, onSignal);
      resolve(signal);
    };
    for (const one of SHUTDOWN_SIGNALS) process.on(one, onSignal);
  });
}
