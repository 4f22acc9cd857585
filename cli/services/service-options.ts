import type { OptionDeclaration } from '@sonde/backbone/configuration/option';

/** What every service can be told. */
export const serviceOptions = [
  {
    key: 'log.level',
    type: 'text',
    default: 'info',
    values: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    description: 'What is logged, as JSON lines on standard error',
  },
  {
    key: 'monitoring.host',
    type: 'text',
    default: '0.0.0.0',
    description: 'Address that /healthz, /readyz and /metrics listen on',
  },
  {
    key: 'monitoring.port',
    type: 'integer',
    default: 9180,
    least: 0,
    most: 65_535,
    description: 'Port of /healthz, /readyz and /metrics; 0 takes any free one',
  },
  {
    key: 'shutdown.seconds',
    type: 'number',
    default: 25,
    least: 0.1,
    most: 3600,
    description: 'How long the service may take to end before it ends at once; less than the pod is given',
  },
] as const satisfies readonly OptionDeclaration[];
