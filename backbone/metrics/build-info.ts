import { readFileSync } from 'node:fs';
import { Gauge, type Registry } from 'prom-client';

/** Registers `sonde_build_info`, whose labels are the versions of Sonde and of Node. */
export function registerBuildInfo(registry: Registry): void {
  new Gauge({
    name: 'sonde_build_info',
    help: 'Version of Sonde and of Node; the value is always 1',
    labelNames: ['version', 'node_version'],
    registers: [registry],
  }).set({ version: sondeVersion(), node_version: process.versions.node }, 1);
}

function sondeVersion(): string {
  const file = new URL(import.meta.resolve('@sonde/backbone/package.json'));
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
