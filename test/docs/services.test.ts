import path from 'node:path';
import type { OptionDeclaration } from '@sonde/backbone/configuration/option';
import { optionsTable } from '@sonde/backbone/configuration/table';
import { collectorOptions } from '@sonde/collector/options';
import { enricherOptions } from '@sonde/enricher/options';
import { queryApiOptions } from '@sonde/query-api/options';
import { serviceOptions } from '@sonde/backbone/service/options';
import { expect, it } from 'vitest';

const page = path.join(import.meta.dirname, '../../docs/configuration.md');

const services: readonly { name: string; description: string; options: readonly OptionDeclaration[] }[] = [
  { name: 'All services', description: 'Settings of every service.', options: serviceOptions },
  {
    name: 'sonde collector',
    description: 'The node agent: publishes flows to Kafka through a spool on disk.',
    options: collectorOptions,
  },
  {
    name: 'sonde enricher',
    description: 'Reads flows from Kafka and stores them in ClickHouse. Run up to one per partition.',
    options: enricherOptions,
  },
  {
    name: 'sonde query-api',
    description: 'Serves the HTTP API over the records in ClickHouse. Run as many replicas as you need.',
    options: queryApiOptions,
  },
];

function configurationPage(): string {
  return `# Configuration reference

The services read settings from flags, environment variables, a YAML file (\`--config\` or \`SONDE_CONFIG\`) and defaults, in
this order of precedence. In the file, the parts of a key are nested. These three are the same setting:

\`\`\`yaml
kafka:
  brokers: [kafka-0:9092, kafka-1:9092]
\`\`\`

- \`SONDE_KAFKA_BROKERS=kafka-0:9092,kafka-1:9092\`
- \`--kafka-brokers kafka-0:9092,kafka-1:9092\`

Durations are strings such as \`500ms\`, \`30s\`, \`1h30m\` or \`30d\`. Sizes are Kubernetes quantities such as \`512Mi\` or
\`1Gi\`. If settings are invalid, a service lists every problem with its origin and exits with code 2. To run the services
together, see [Run the services separately](services.md).

This page is generated from the declarations in \`collector/options.ts\`, \`enricher/options.ts\` and \`query-api/options.ts\`.
After a change, regenerate it with \`npx vitest run test/docs -u\`.
${services.map(({ name, description, options }) => `\n## ${name}\n\n${description}\n\n${optionsTable(options)}`).join('\n')}
`;
}

it('docs/configuration.md lists every declared setting', async () => {
  await expect(configurationPage()).toMatchFileSnapshot(page);
});

it('no two settings of a service share an environment variable', () => {
  for (const { options } of services) {
    const keys = [...serviceOptions, ...options].map(({ key }) => key.replaceAll('.', '').toLowerCase());
    const own = options === serviceOptions ? keys.slice(serviceOptions.length) : keys;
    expect(new Set(own).size).toBe(own.length);
  }
});
