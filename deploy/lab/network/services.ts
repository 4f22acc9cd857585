import { familyOf, type LabService, type LabServicePort } from '../definition/cluster.js';

/**
 * The nftables script that makes a node translate service addresses to endpoints, round-robin, for the packets of its
 * pods and its own. The tables are named apart from those of the policies.
 */
export function serviceTranslation(services: readonly LabService[]): string {
  const rules = services.flatMap((service) =>
    service.addresses.flatMap((address) => service.ports.flatMap((port) => translationRule(address, port))),
  );
  return `table inet services {
	chain translate {
${rules.map((rule) => `\t\t${rule}\n`).join('')}	}
	chain prerouting {
		type nat hook prerouting priority dstnat
		jump translate
	}
	chain output {
		type nat hook output priority -100
		jump translate
	}
}
`;
}

/** No rule without ready endpoints: connections to the address stay unanswered. */
function translationRule(address: string, { protocol, port, endpoints }: LabServicePort): string[] {
  const family = familyOf(address);
  const targets = endpoints.filter((endpoint) => familyOf(endpoint.address) === family);
  if (targets.length === 0) return [];
  const ip = family === 6 ? 'ip6' : 'ip';
  const table = targets.map((target, turn) => `${turn} : ${target.address} . ${target.port}`).join(', ');
  return [
    `${ip} daddr ${address} ${protocol} dport ${port} dnat ${ip} to numgen inc mod ${targets.length} map { ${table} }`,
  ];
}
