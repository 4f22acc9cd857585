import type { Fields } from './fields.js';

/** The external network: one network namespace with the addresses of all these hosts. */
export interface Outside {
  /** Addresses on the nodes' network, one per family: the nodes' default gateway. */
  gateway: string[];
  /** At least one; the first is the service outside that the application uses. */
  hosts: [OutsideHost, ...OutsideHost[]];
}

export interface OutsideHost {
  name: string;
  /** The DNS name of the addresses. */
  domain: string;
  addresses: string[];
}

/** @throws {LabDefinitionError} when outside.yaml lacks something. */
export function readOutside(file: Fields): Outside {
  const [first, ...others] = file.list('hosts').map((host) => ({
    name: host.text('name'),
    domain: host.text('domain'),
    addresses: host.texts('addresses'),
  }));
  if (!first) throw file.invalid('hosts', 'a list of at least one host');
  return { gateway: file.texts('gateway'), hosts: [first, ...others] };
}
