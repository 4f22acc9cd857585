import { ethernet, ipv4, padded, tcp } from './frames.js';

/** TCP flags (RFC 9293 section 3.1). */
export const [FIN, SYN, RST, PUSH, ACK] = [0x01, 0x02, 0x04, 0x08, 0x10];

/** Frames of a TCP connection between 10.90.0.1 (port `clientPort`) and 10.90.0.2 (port `serverPort`). */
export function segments(clientPort: number, serverPort: number) {
  const client = [10, 90, 0, 1];
  const server = [10, 90, 0, 2];
  const frame = (source: readonly number[], destination: readonly number[], segment: Buffer) =>
    padded(ethernet(0x0800, ipv4(6, source, destination, segment)));
  return {
    fromClient: (flags: number, sequence: number, payload?: Buffer) =>
      frame(client, server, tcp(clientPort, serverPort, flags, sequence, payload)),
    fromServer: (flags: number, sequence: number, payload?: Buffer) =>
      frame(server, client, tcp(serverPort, clientPort, flags, sequence, payload)),
  };
}
