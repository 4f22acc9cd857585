import { readdirSync } from 'node:fs';
import path from 'node:path';
import { definitionDirectory } from './paths.js';

/** The recording of a lab definition, for machines that cannot run the lab. */
export interface RecordedLab {
  /** One pcap file per node, named `<node>.pcap`. */
  files: string[];
  /** The folder of the recorded lab's Kubernetes manifests. */
  manifestsDirectory: string;
}

/** @throws Error from the file system if the definition does not exist or has no recording. */
export function recordedLab(definition: string): RecordedLab {
  const directory = definitionDirectory(definition);
  const recorded = path.join(directory, 'recorded');
  const files = readdirSync(recorded)
    .filter((name) => name.endsWith('.pcap'))
    .sort()
    .map((name) => path.join(recorded, name));
  return { files, manifestsDirectory: path.join(directory, 'manifests') };
}
