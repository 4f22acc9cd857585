import { listNamespaces, removeNamespaces } from './command/namespace.js';
import { readDefinition, type LabDefinition } from './definition/read.js';
import { buildNetwork, buildPodNetwork } from './network/build.js';
import { labPrefix, nodeNamespace, outsideNamespace, podInterface, podNamespace } from './network/names.js';
import { definitionDirectory } from './paths.js';
import { explainFailure, requireLabPrograms } from './unavailable.js';
import type { HttpService } from './workload/tasks.js';
import { dnsServersOf, startWorkload, startWorkloads } from './workloads.js';

/** A Kubernetes-like cluster of network namespaces on this machine. */
export interface Lab {
  name: string;
  /** The folder of the lab's Kubernetes manifests. */
  manifestsDirectory: string;
  nodes: LabNodeNetwork[];
  external: LabExternal;
  /**
   * Starts another pod with unused addresses; resolves when its servers listen. It is not part of the manifests, the
   * services or the policy enforcement.
   */
  addPod(pod: LabPodToAdd): Promise<AddedPod>;
  /** Stops the lab's processes and removes its network. */
  down(): Promise<void>;
}

export interface LabNodeNetwork {
  name: string;
  /** The node's network namespace. */
  netns: string;
  podInterfaces: LabPodInterface[];
}

/** The interface of a pod in its node's network namespace: one end of its veth pair. */
export interface LabPodInterface {
  /** Name in the node's namespace; the other end is `eth0` in the pod's namespace. */
  interface: string;
  namespace: string;
  pod: string;
  /** The pod's network namespace. */
  netns: string;
  addresses: string[];
}

/** A pod to add to a running lab. */
export interface LabPodToAdd {
  namespace: string;
  name: string;
  /** The name of a node of the lab. */
  node: string;
  /** From the node's pod CIDRs, at most one per family. */
  addresses: string[];
  serve: HttpService[];
}

export interface AddedPod extends LabPodInterface {
  /** Stops its process and removes its network; its addresses can be reused. */
  remove(): Promise<void>;
}

/** The first external host. */
export interface LabExternal {
  netns: string;
  addresses: string[];
  domain: string;
}

export interface LabOptions {
  /** 1 to 20 lowercase letters and digits; labs with different names run next to each other. */
  name: string;
  /** The definition: `storefront` (default), or the path of a folder with the same layout. */
  definition?: string;
  /** Whether the pods call each other; if false, only their servers run. */
  traffic: boolean;
  /** False: segmentation offload is off, so that packet counts of all interfaces are comparable. */
  offloads?: boolean;
  /** Receives a line for each unexpected result or exit of a workload. */
  log: (line: string) => void;
}

/**
 * Builds a lab and starts its workloads; first removes the remains of an earlier lab with the same name. Removes
 * everything again if it fails.
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
 * Stops all processes in a lab's namespaces and removes the namespaces, also if the lab's owner was killed.
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
