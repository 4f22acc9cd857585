import { describe, expect, it } from 'vitest';
import { familyOf, type LabPod } from '../definition/cluster.js';
import { readDefinition } from '../definition/read.js';
import { definitionDirectory } from '../paths.js';

const { cluster, enforcement } = await readDefinition(definitionDirectory('storefront'));

/** The service accounts that service-accounts.yaml labels PCI; in the storefront each application has its own. */
const pciApplications = ['microservice1', 'microservice2', 'backend'];

/** Which pods each set of enforcement.nft stands for. */
const members: Record<string, (pod: LabPod) => boolean> = {
  kube_dns: ({ labels }) => labels['k8s-app'] === 'kube-dns',
  microservice2_: ({ labels }) => labels['app'] === 'microservice2',
  backend: ({ labels }) => labels['app'] === 'backend',
  logging: ({ labels }) => labels['app'] === 'logging',
  dmz: ({ labels }) => labels['fw-zone'] === 'dmz',
  trusted: ({ labels }) => labels['fw-zone'] === 'trusted',
  restricted: ({ labels }) => labels['fw-zone'] === 'restricted',
  pci: ({ labels }) => pciApplications.includes(labels['app'] ?? ''),
  storefront: ({ namespace }) => namespace === 'storefront',
  attacker: ({ namespace }) => namespace === 'attacker',
};

describe('the hand-written enforcement', () => {
  it.each(Object.keys(members))('lists in set "%s" exactly the addresses of the matching pods', (set) => {
    const pods = cluster.pods.filter((pod) => !pod.hostNetwork && members[set]?.(pod));
    const addresses = pods.flatMap((pod) => pod.addresses);
    for (const family of [4, 6] as const) {
      expect(elementsOf(`${set}${family}`).sort()).toEqual(
        addresses.filter((address) => familyOf(address) === family).sort(),
      );
    }
  });

  it('has the same rules for IPv4 and IPv6', () => {
    const rules = enforcement.split('\n').map((line) => line.trim());
    const ofFamily = (ip: string) =>
      rules.filter((rule) => new RegExp(`^${ip} (s|d)addr `).test(rule)).length;
    expect(ofFamily('ip6')).toBe(ofFamily('ip'));
  });
});

function elementsOf(set: string): string[] {
  const declaration = new RegExp(`set ${set} \\{[^{]*elements = \\{([^}]*)\\}`).exec(enforcement);
  return (declaration?.[1] ?? '').split(',').map((element) => element.trim());
}
