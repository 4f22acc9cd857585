import { listNamespaces, removeNamespaces } from './command/namespace.js';
import { readDefinition, type LabDefinition } from './definition/read.js';
import { buildNetwork, buildPodNetwork } from './network/build.js';
import { labPrefix, nodeNamespace, outsideNamespace, podInterface, podNamespace } from './network/names.js';
import { definitionDirectory } from './paths.js';
import { explainFailure, requireLabPrograms } from './unavailable.js';
import type { HttpService } from './workload/tasks.js';
import { dnsServersOf, startWorkload, startWorkloads } from './workloads.js';

/** A Kubernetes-like cluster made of network namespaces on this machine. */
export interface Lab {
  name: string;
  /** The folder of the Kubernetes objects that describe what runs in the lab. */
  manifestsDirectory: string;
  nodes: LabNodeNetwork[];
  external: LabExternal;
  /**
   * Starts one more pod, on addresses that no other pod has; resolves when its servers listen. Neither manifests nor
   * services nor the enforcement of policies know of it.
   */
  addPod(pod: LabPodToAdd): Promise<AddedPod>;
  /** Ends the lab's processes and removes all of its network. */
  down(): Promise<void>;
}

export interface LabNodeNetwork {
  name: string;
  /** The node's network namespace. */
  netns: string;
  podInterfaces: LabPodInterface[];
}

/** A pod's attachment: the end of its veth pair that lies in its node's namespace. */
export interface LabPodInterface {
  /** Name in the node's namespace; in the pod's own the other end is `eth0`. */
  interface: string;
  namespace: string;
  pod: string;
  /** The pod's network namespace. */
  netns: string;
  addresses: string[];
}

/** A pod to be added to a lab that stands. */
export interface LabPodToAdd {
  namespace: string;
  name: string;
  /** The name of one of the lab's nodes. */
  node: string;
  /** Out of the node's ranges, at most one a family. */
  addresses: string[];
  serve: HttpService[];
}

export interface AddedPod extends LabPodInterface {
  /** Ends its process and removes its network; its addresses are free then. */
  remove(): Promise<void>;
}

/** The outside's first host. */
export interface LabExternal {
  netns: string;
  addresses: string[];
  domain: string;
}

export interface LabOptions {
  /** 1 to 20 lower-case letters and digits; labs of different names stand side by side. */
  name: string;
  /** The definition: `storefront`, which is the default, or the path of a folder laid out like it. */
  definition?: string;
  /** Whether the pods call each other; without it their servers answer and nobody asks. */
  traffic: boolean;
  /** Off: segments cross every interface as they would a wire, so that packet counts compare one to one. */
  offloads?: boolean;
  /** Takes a line for each thing worth telling: a workload's unexpected outcome or end. */
  log: (line: string) => void;
}

/**
 * Builds a lab and starts its workloads; what is left of an earlier lab of the name is removed first. When it fails
 * half-way it leaves nothing behind.
 * @throws {LabUnavailable} when this machine lacks root or a program, or refuses to make namespaces
 * @throws {LabDefinitionError} when the definition or the name is wrong
 */
export async function upLab(options: LabOptions): Promise<Lab> {
  requireLabPrograms(['ip', 'nft', 'ping', 'ethtool']);
  const definition = await readDefinition(definitionDirectory(options.definition ?? 'storefront'));
  await downLab(options.name);
  try {
    await buildNetwork(options.name, definition, { offloads: options.offloads ?? true });
    const workloads = await startWorkloads(options.name, definition, {
      call: options.traffic,
      log: options.log,
    });
    return {
      name: options.name,
      ...describe(options.name, definition),
      addPod: (pod) => addPod(pod, definition, options),
      down: async () => {
        await workloads.stop();
        await downLab(options.name);
      },
    };
  } catch (error) {
    await downLab(options.name);
    throw explainFailure(error);
  }
}

/**
 * Ends every process inside a lab's namespaces and removes them, whoever built the lab and however that ended.
 * Resolves to whether there was anything to remove.
 */
export async function downLab(name: string): Promise<boolean> {
  const namespaces = await listNamespaces(labPrefix(name));
  if (namespaces.length === 0) return false;
  requireLabPrograms(['ip']);
  await removeNamespaces(namespaces);
  return true;
}

async function addPod(
  { serve, ...described }: LabPodToAdd,
  { cluster }: LabDefinition,
  { name: lab, offloads = true, log }: LabOptions,
): Promise<AddedPod> {
  const pod = { ...described, labels: {}, hostNetwork: false };
  const netns = podNamespace(lab, pod);
  await buildPodNetwork(lab, pod, { offloads });
  const configuration = { dnsServers: dnsServersOf(cluster), serve, call: [] };
  const workload = startWorkload(`${pod.namespace}/${pod.name}`, netns, configuration, log);
  const remove = async () => {
    await workload.stop();
    await removeNamespaces([netns]);
  };
  try {
    await workload.listening;
  } catch (error) {
    await remove();
    throw error;
  }
  const { namespace, name, addresses } = pod;
  return { interface: podInterface(pod), namespace, pod: name, netns, addresses, remove };
}

function describe(
  lab: string,
  { manifestsDirectory, cluster, outside }: LabDefinition,
): Pick<Lab, 'manifestsDirectory' | 'nodes' | 'external'> {
  const nodes = cluster.nodes.map((node) => ({
    name: node.name,
    netns: nodeNamespace(lab, node),
    podInterfaces: cluster.pods
      .filter((pod) => pod.node === node.name && !pod.hostNetwork)
      .map((pod) => ({
        interface: podInterface(pod),
        namespace: pod.namespace,
        pod: pod.name,
        netns: podNamespace(lab, pod),
        addresses: pod.addresses,
      })),
  }));
  const [host] = outside.hosts;
  return {
    manifestsDirectory,
    nodes,
    external: {
      netns: outsideNamespace(lab),
      addresses: host.addresses,
      domain: host.domain,
    },
  };
}
