import { captureSource } from '@sonde/collector/pcap/source';
import { flowprobeSource } from '@sonde/collector/probe/flowprobe';
import type { FlowSource } from '@sonde/collector/source/flow-source';
import { type Lab, upLab } from '@sonde/deploy/lab/lab';
import { recordedLab } from '@sonde/deploy/lab/recorded';
import { LabUnavailable } from '@sonde/deploy/lab/unavailable';
import { probeProgram, whyNotLive } from '@sonde/collector/probe/probe-program';
import { captureFiles, type CaptureFilesOptions, nodeNames } from './capture-files.js';

/** What `sonde up` was asked to watch. */
export type TrafficChoice =
  | { readonly kind: 'lab'; readonly definition: string }
  | { readonly kind: 'captures'; readonly files: readonly string[] }
  | { readonly kind: 'interfaces'; readonly names: readonly string[]; readonly node: string };

/** Traffic that is there to be watched. */
export interface Traffic {
  readonly sources: readonly { readonly node: string; readonly source: FlowSource }[];
  /** Manifests that describe the traffic's cluster, besides those that the user gave. */
  readonly manifests: readonly string[];
  /** Takes away what was built for the traffic, after its sources have ended. */
  down(): Promise<void>;
}

/** `say` takes lines for people: what the probe, the lab and capture files have to tell. */
export type TrafficOptions = CaptureFilesOptions;

/**
 * Makes the chosen traffic ready. Where a lab cannot run, the recording of one is replayed instead, and the reason
 * is said.
 */
export async function prepareTraffic(choice: TrafficChoice, options: TrafficOptions): Promise<Traffic> {
  switch (choice.kind) {
    case 'lab':
      return labTraffic(choice.definition, options);
    case 'captures':
      return {
        sources: await captureFiles(choice.files, options),
        manifests: [],
        down: () => Promise.resolve(),
      };
    case 'interfaces': {
      const reason = whyNotLive();
      if (reason !== undefined) throw new TrafficUnavailableError(reason);
      const source = probe(choice.node, choice.names, undefined, options);
      return { sources: [{ node: choice.node, source }], manifests: [], down: () => Promise.resolve() };
    }
  }
}

/** The chosen traffic cannot be watched on this machine; the message says why. */
export class TrafficUnavailableError extends Error {
  override readonly name = 'TrafficUnavailableError';
}

async function labTraffic(definition: string, options: TrafficOptions): Promise<Traffic> {
  const reason = whyNotLive();
  if (reason !== undefined) return recordedTraffic(definition, reason, options);
  let lab: Lab;
  try {
    lab = await upLab({ name: definition, definition, traffic: true, log: options.say });
  } catch (error) {
    if (error instanceof LabUnavailable) return recordedTraffic(definition, error.message, options);
    throw error;
  }
  const sources = lab.nodes.map(({ name, netns, podInterfaces }) => {
    const interfaces = podInterfaces.map((attachment) => attachment.interface);
    return { node: name, source: probe(name, interfaces, netns, options) };
  });
  return { sources, manifests: [lab.manifestsDirectory], down: () => lab.down() };
}

function recordedTraffic(definition: string, reason: string, options: TrafficOptions): Traffic {
  options.say(`${reason} Replaying a recording of the lab instead.`);
  const { files, manifestsDirectory } = recordedLab(definition);
  const sources = [...nodeNames(files)].map(([file, node]) => ({
    node,
    source: captureSource({ file, windowMs: options.windowMs, replay: true }),
  }));
  return { sources, manifests: [manifestsDirectory], down: () => Promise.resolve() };
}

function probe(
  node: string,
  interfaces: readonly string[],
  networkNamespace: string | undefined,
  options: TrafficOptions,
) {
  return flowprobeSource({
    program: probeProgram(),
    interfaces,
    windowMs: options.windowMs,
    ...(networkNamespace === undefined ? {} : { networkNamespace }),
    onMessage: (line) => options.say(`probe on ${node}: ${line}`),
    events: { onFault: (reason) => options.say(`probe on ${node}: a frame was lost: ${reason}`) },
  });
}
