import net from 'node:net';
import type { Outcome } from './tasks.js';

/** How long a call waits for an answer before it counts as unanswered. */
export const answerTimeoutMs = 2_000;

/** Opens a TCP connection, from an own address if one is given, and closes it as soon as it stands. */
export function connect(address: string, port: number, from?: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      host: address,
      port,
      ...(from === undefined ? {} : { localAddress: from }),
    });
    const timer = setTimeout(() => {
      socket.destroy();
      resolve('unanswered');
    }, answerTimeoutMs);
    socket.on('connect', () => {
      socket.end();
      resolve('answered');
    });
    socket.on('error', (error) => {
      if (isRefusal(error)) resolve('refused');
      else reject(error);
    });
    socket.on('close', () => clearTimeout(timer));
  });
}

export function isRefusal(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET';
}
