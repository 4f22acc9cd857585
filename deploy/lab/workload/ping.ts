import { spawn } from 'node:child_process';
import type { Outcome } from './tasks.js';

/** Sends ICMP echo requests a second apart with the system's ping(8); one reply makes the call answered. */
export function ping(address: string, requests: number, from?: string): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const source = from === undefined ? [] : ['-I', from];
    const options = ['-n', '-q', '-c', String(requests), '-W', '1', ...source];
    const child = spawn('ping', [...options, address], { stdio: 'ignore' });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve('answered');
      else if (code === 1) resolve('unanswered');
      else reject(new Error(`ping ${address} ended with ${String(code)}`));
    });
  });
}
