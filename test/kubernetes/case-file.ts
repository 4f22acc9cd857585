import { existsSync } from 'node:fs';
import path from 'node:path';

/** The path of a file with objects as a real API server returned or stored them. */
export function kubernetesCase(name: string): string {
  let folder = import.meta.dirname;
  while (!existsSync(path.join(folder, 'package-lock.json'))) folder = path.dirname(folder);
  return path.join(folder, 'test/kubernetes/cases', name);
}
