/**
 * Refuses to send a secret where anybody on the way can read it: by plain http to anywhere but this machine.
 * @throws Error that says what to do.
 */
export function refusePlainHttp(address: string, isAllowed = false): void {
  const { protocol, hostname, origin } = new URL(address);
  if (protocol === 'https:' || isAllowed || isLoopback(hostname)) return;
  throw new Error(
    `${origin} is not asked by https: whoever is on the way there could read the login; --insecure-http allows it`,
  );
}

/** Whether a URL's host is this machine (RFC 6761 §6.3; RFC 1122 §3.2.1.3; RFC 4291 §2.5.3). */
function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(hostname)
  );
}
