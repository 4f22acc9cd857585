import net from 'node:net';
import type { Outcome } from './tasks.js';

/** The time after which a call counts as unanswered. */
export const answerTimeoutMs = 2_000;

/** Opens a TCP connection, optionally from a given address, and closes it once established. */
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
