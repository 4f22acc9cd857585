import { readdirSync } from 'node:fs';
import path from 'node:path';
import { definitionDirectory } from './paths.js';

/** The recording that a lab's definition ships, for machines that cannot hold the lab. */
export interface RecordedLab {
  /** One capture a node, named `<node>.pcap`. */
  files: string[];
  /** The folder of the Kubernetes objects that describe what was recorded. */
  manifestsDirectory: string;
}

/** @throws Error from the file system if there is no such definition, or it ships no recording. */
export function recordedLab(definition: string): RecordedLab {
  const directory = definitionDirectory(definition);
  const recorded = path.join(directory, 'recorded');
  const files = readdirSync(recorded)
    .filter((name) => name.endsWith('.pcap'))
    .sort()
    .map((name) => path.join(recorded, name));
  return { files, manifestsDirectory: path.join(directory, 'manifests') };
}
