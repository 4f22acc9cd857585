/**
 * Refuses to send a secret over unencrypted HTTP, except to this machine.
 * @throws Error that says what to do.
 */
export function refusePlainHttp(address: string, isAllowed = false): void {
  const { protocol, hostname, origin } = new URL(address);
  if (protocol === 'https:' || isAllowed || isLoopback(hostname)) return;
  throw new Error(
    `${origin} does not use HTTPS: others on the network could read the token. Use HTTPS, or allow it with --insecure-http`,
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
