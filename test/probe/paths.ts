import { existsSync } from 'node:fs';
import path from 'node:path';
import { probeProgram } from '@sonde/collector/probe/probe-program';

/** Folder of the test workspace, also if the code runs from `dist/`. */
const workspace = findUp(import.meta.dirname, 'package.json');

/** Source folder of the probe. */
export const probeSourceFolder = path.resolve(workspace, '../bpf-probe');

export const flowprobeProgram = probeProgram();

/** Build folder of the probe. */
const build = path.dirname(flowprobeProgram);

export const baselineProgram = path.join(build, 'baseline');
export const sendFramesProgram = path.join(build, 'send_frames');
export const connectionsProgram = path.join(build, 'connections');
export const trafficEndProgram = path.join(workspace, 'probe/traffic-end.mjs');

function findUp(directory: string, file: string): string {
  if (existsSync(path.join(directory, file))) return directory;
  const parent = path.dirname(directory);
  if (parent === directory) throw new Error(`no ${file} in or above ${import.meta.dirname}`);
  return findUp(parent, file);
}
