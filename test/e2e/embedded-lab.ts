import { cp } from 'node:fs/promises';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { type Embedded, startEmbedded } from '@sonde/cli/up/embedded';
import { probeProgram } from '@sonde/collector/probe/probe-program';
import { flowprobeSource } from '@sonde/collector/probe/flowprobe';
import { type Lab, upLab } from '@sonde/deploy/lab/lab';
import { expect } from 'vitest';
import { eventually } from '../eventually.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

/** A storefront lab without traffic of its own, observed by the embedded pipeline. */
export interface WatchedLab {
  readonly lab: Lab;
  readonly embedded: Embedded;
  /** A directory for the test's own files. */
  readonly directory: string;
  /** A copy of the lab's manifests, which the pipeline follows, so that tests can change it. */
  readonly manifestsDirectory: string;
  down(): Promise<void>;
}

/** Builds a lab and starts the pipeline; resolves when the probes watch all interfaces. */
export async function watchLab(name: string, windowMs = 500): Promise<WatchedLab> {
  const directory = temporaryDirectory(name);
  const lab = await upLab({
    name,
    definition: 'storefront',
    traffic: false,
    offloads: false,
    log: console.warn,
  });
  /** Nodes whose probe watches all interfaces. */
  const watched = new Set<string>();
  const sources = lab.nodes.map(({ name: node, netns: networkNamespace, podInterfaces }) => {
    const interfaces = podInterfaces.map((pod) => pod.interface);
    const onInterfaces = (those: readonly unknown[]) => {
      if (those.length === interfaces.length) watched.add(node);
    };
    const options = {
      program: probeProgram(),
      interfaces,
      windowMs,
      networkNamespace,
      events: { onInterfaces },
    };
    return { node, source: flowprobeSource(options) };
  });
  const manifestsDirectory = path.join(directory, 'manifests');
  await cp(lab.manifestsDirectory, manifestsDirectory, { recursive: true });
  const embedded = await startEmbedded({
    clusters: [{ name: 'lab', manifests: [manifestsDirectory], sources }],
    dataDirectory: path.join(directory, 'data'),
    api: { host: '127.0.0.1', port: 0 },
    log: createLogger('test', 'warn'),
  });
  await eventually(() => expect(watched.size).toBe(lab.nodes.length), 40_000);
  return {
    lab,
    embedded,
    directory,
    manifestsDirectory,
    async down() {
      await embedded.stop();
      await lab.down();
    },
  };
}
