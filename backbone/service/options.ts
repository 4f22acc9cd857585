import type { OptionDeclaration } from '../configuration/option.js';

/** Settings of every service. */
export const serviceOptions = [
  {
    key: 'log.level',
    type: 'string',
    default: 'info',
    values: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    description: 'Log level; logs are JSON lines on standard error',
  },
  {
    key: 'monitoring.host',
    type: 'string',
    default: '127.0.0.1',
    description:
      'Listen address of /healthz, /readyz and /metrics; an address that others can reach requires one of the next two settings',
  },
  {
    key: 'monitoring.token',
    type: 'secret',
    description: 'Bearer token that requests for /metrics must have; /healthz and /readyz need none',
  },
  {
    key: 'monitoring.protectedByProxy',
    type: 'boolean',
    default: false,
    description:
      'Something in front of /metrics restricts access, for example a proxy or a network policy; it needs no token then',
  },
  {
    key: 'monitoring.port',
    type: 'integer',
    default: 9180,
    min: 0,
    max: 65_535,
    description: 'Port of /healthz, /readyz and /metrics; 0 picks a free port',
  },
  {
    key: 'shutdown.timeout',
    type: 'duration',
    default: '25s',
    min: '100ms',
    max: '1h',
    description:
      "Time for a graceful shutdown before the process exits; less than the pod's terminationGracePeriodSeconds",
  },
] as const satisfies readonly OptionDeclaration[];
