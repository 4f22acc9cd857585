import { TCP, UDP } from '../../net/protocol.js';
import type { Direction } from './program.js';

const EITHER_WAY = [179, 2379, 2380, 5473, 6443, 6666, 6667].map((port) => `${TCP}/${port}`);

/** Host ports that Calico admits regardless of policies, to prevent lockouts (its defaults). */
const FAIL_SAFE: Readonly<Record<Direction, ReadonlySet<string>>> = {
  ingress: new Set([...EITHER_WAY, `${TCP}/22`, `${UDP}/68`]),
  egress: new Set([...EITHER_WAY, `${UDP}/53`, `${UDP}/67`]),
};

/** Whether traffic of a host to the port is admitted before any policy is consulted. */
export function isFailSafe(direction: Direction, protocol: number, port: number): boolean {
  return FAIL_SAFE[direction].has(`${protocol}/${port}`);
}
