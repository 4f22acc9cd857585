import { existsSync } from 'node:fs';
import path from 'node:path';

/** The folder of the test workspace, whether the code runs from its sources or from `dist/`. */
const workspace = findUp(import.meta.dirname, 'package.json');

/** The probe's sources. */
export const probeSourceFolder = path.resolve(workspace, '../bpf-probe');

/** Where `make -C bpf-probe` puts what it builds. */
const build = process.env['PROBE_BUILD'] ?? path.join(probeSourceFolder, 'build');

export const flowprobeProgram = path.join(build, 'flowprobe');
export const baselineProgram = path.join(build, 'baseline');
export const sendFramesProgram = path.join(build, 'send_frames');
export const trafficEndProgram = path.join(workspace, 'probe/traffic-end.mjs');

function findUp(directory: string, file: string): string {
  if (existsSync(path.join(directory, file))) return directory;
  const parent = path.dirname(directory);
  if (parent === directory) throw new Error(`no ${file} in or above ${import.meta.dirname}`);
  return findUp(parent, file);
}
