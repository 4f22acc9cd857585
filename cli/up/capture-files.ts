import path from 'node:path';
import { captureSource } from '@sonde/collector/pcap/source';
import type { FlowSource } from '@sonde/collector/source/flow-source';
import { captureReport } from './capture-report.js';
import { CaptureHistory } from './capture-history.js';

export interface CaptureFilesOptions {
  readonly windowMs: number;
  /** Where the flows are stored, and which files were read into it. */
  readonly dataDirectory: string;
  /** URL of the API, once it listens. */
  readonly apiUrl: () => string | undefined;
  readonly say: (line: string) => void;
}

/** A source for each capture file, which stands for a node. Says what was read of it at its end. */
export async function captureFiles(
  files: readonly string[],
  { windowMs, dataDirectory, apiUrl, say }: CaptureFilesOptions,
): Promise<{ node: string; source: FlowSource }[]> {
  const history = await CaptureHistory.open(dataDirectory, say);
  const distinct = new Map(files.map((file) => [file === '-' ? file : path.resolve(file), file]));
  if (distinct.size < files.length) say('A capture file is given several times; it is read once.');
  const sources = [...nodeNames([...distinct.values()])].map(([file, node]) => ({
    node,
    source: captureSource({
      file,
      windowMs,
      onEnd(summary) {
        for (const line of captureReport(summary, apiUrl())) say(line);
      },
    }),
  }));
  for (const file of distinct.values()) await history.add(file);
  return sources;
}

/** Nodes by file: the files' names without extension, with as many of their folders as tell them apart. */
export function nodeNames(files: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const file of files) {
    const parts = file === '-' ? ['stdin'] : path.resolve(file).split(path.sep);
    const ends = (count: number) =>
      parts
        .slice(-count)
        .join('/')
        .replace(/(\.(pcap|pcapng|cap|dmp|gz))+$/i, '');
    let count = 1;
    while (count < parts.length && files.some((other) => other !== file && sameEnd(other, ends(count))))
      count += 1;
    names.set(file, ends(count));
  }
  return names;
}

function sameEnd(file: string, name: string): boolean {
  const whole = path
    .resolve(file)
    .split(path.sep)
    .join('/')
    .replace(/(\.(pcap|pcapng|cap|dmp|gz))+$/i, '');
  return whole.endsWith(`/${name}`);
}
