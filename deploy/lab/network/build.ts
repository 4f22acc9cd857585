import { execInNamespace, inNamespace, listNamespaces } from '../command/namespace.js';
import { run } from '../command/run.js';
import type { LabPod } from '../definition/cluster.js';
import type { LabDefinition } from '../definition/read.js';
import { fabricCommands, nodeCommands, outsideCommands, podCableCommands, podCommands } from './links.js';
import {
  fabricNamespace,
  labPrefix,
  nodeNamespace,
  outsideNamespace,
  podInterface,
  podNamespace,
} from './names.js';
import { serviceTranslation } from './services.js';

/**
 * Builds a lab's network from its definition: namespaces, links, routes, service translation and enforcement.
 * What was built until an error stays; the caller removes it.
 */
export async function buildNetwork(
  lab: string,
  { cluster, outside, enforcement }: LabDefinition,
  options: { offloads: boolean },
): Promise<void> {
  const fabric = fabricNamespace(lab);
  const external = outsideNamespace(lab);
  const nodes = cluster.nodes.map((node) => ({ node, netns: nodeNamespace(lab, node) }));
  const pods = cluster.pods
    .filter((pod) => !pod.hostNetwork)
    .map((pod) => ({ pod, netns: podNamespace(lab, pod) }));

  const all = [fabric, external, ...nodes.map(({ netns }) => netns), ...pods.map(({ netns }) => netns)];
  await createNamespaces(all);
  await Promise.all(all.map(useAddressesAtOnce));
  // The order matters: veth pairs are created from the fabric and the nodes into existing namespaces.
  await configureLinks(fabric, fabricCommands(lab, cluster));
  await Promise.all([
    configureLinks(external, outsideCommands(cluster, outside)),
    ...nodes.map(async ({ node, netns }) => {
      await forwardPackets(netns);
      await configureLinks(netns, nodeCommands(lab, node, cluster, outside));
      await run(inNamespace(netns, ['nft', '-f', '-']), {
        input: serviceTranslation(cluster.services) + enforcement,
      });
    }),
  ]);
  await Promise.all(pods.map(({ pod, netns }) => configureLinks(netns, podCommands(pod))));
  if (!options.offloads) await turnOffloadsOff(lab);
}

/** Builds the network of another pod in a running lab. */
export async function buildPodNetwork(
  lab: string,
  pod: LabPod,
  options: { offloads: boolean },
): Promise<void> {
  const netns = podNamespace(lab, pod);
  const node = nodeNamespace(lab, { name: pod.node });
  await createNamespaces([netns]);
  await useAddressesAtOnce(netns);
  await configureLinks(node, podCableCommands(lab, pod));
  await configureLinks(netns, podCommands(pod));
  if (options.offloads) return;
  await turnOffloadOff(node, podInterface(pod));
  await turnOffloadOff(netns, 'eth0');
}

async function createNamespaces(names: readonly string[]): Promise<void> {
  await run(['ip', '-batch', '-'], { input: names.map((name) => `netns add ${name}\n`).join('') });
}

async function configureLinks(netns: string, lines: readonly string[]): Promise<void> {
  await run(['ip', '-netns', netns, '-batch', '-'], { input: lines.join('\n') });
}

/** Interfaces that come later in this namespace skip IPv6 duplicate address detection, which takes a second. */
function useAddressesAtOnce(netns: string): Promise<void> {
  return writeSettings(netns, '0', ['ipv6/conf/default/accept_dad']);
}

function forwardPackets(netns: string): Promise<void> {
  return writeSettings(netns, '1', ['ipv4/ip_forward', 'ipv6/conf/all/forwarding']);
}

/** /proc/sys/net shows the settings of the namespace of the process that opens it, hence the process. */
async function writeSettings(netns: string, value: string, names: readonly string[]): Promise<void> {
  await run(inNamespace(netns, ['tee', ...names.map((name) => `/proc/sys/net/${name}`)]), { input: value });
}

/** Turns segmentation and receive offload off on every interface of the lab. */
async function turnOffloadsOff(lab: string): Promise<void> {
  for (const netns of await listNamespaces(labPrefix(lab))) {
    const { stdout } = await execInNamespace(netns, ['ip', '-json', 'link', 'show', 'type', 'veth']);
    for (const { ifname } of JSON.parse(stdout) as { ifname: string }[]) {
      await turnOffloadOff(netns, ifname);
    }
  }
}

async function turnOffloadOff(netns: string, device: string): Promise<void> {
  await run(inNamespace(netns, ['ethtool', '-K', device, 'tso', 'off', 'gso', 'off', 'gro', 'off']));
}
