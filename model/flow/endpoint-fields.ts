import { ADDRESS_CLASSES } from '../net/address-class.js';
import type { FieldDeclaration } from '../record/field.js';
import { identityFields } from './identity-fields.js';

/** The flow record's fields of one side of the connection; `prefix` is `src` (client) or `dst` (server). */
export function endpointFields<const Prefix extends 'src' | 'dst'>(prefix: Prefix, end: string) {
  return [
    ...identityFields(prefix, end),
    {
      name: `${prefix}_address_class`,
      type: 'enumeration',
      values: ADDRESS_CLASSES,
      origin: 'context',
      description: `Class of the ${end}'s address in the address space: private is RFC 1918, unique_local RFC 4193, shared RFC 6598 (carrier-grade NAT)`,
    },
    {
      name: `${prefix}_domain`,
      type: 'string',
      origin: 'context',
      description: `Domain name of a ${end} outside the cluster, learned from DNS answers or TLS`,
    },
    {
      name: `${prefix}_process`,
      type: 'string',
      origin: 'observed',
      description: `Process that owns the ${end}'s socket, where it is on the reporting node`,
    },
    {
      name: `${prefix}_cgroup`,
      type: 'uint64',
      origin: 'observed',
      description: `Control group (its inode number) of that process; 0 if not known`,
    },
  ] as const satisfies readonly FieldDeclaration[];
}
