import path from 'node:path';
import type { OptionDeclaration } from '@sonde/backbone/configuration/option';
import { optionsTable } from '@sonde/backbone/configuration/table';
import { collectorOptions } from '@sonde/collector/service';
import { enricherOptions } from '@sonde/enricher/service';
import { queryApiOptions } from '@sonde/query-api/service';
import { serviceOptions } from '@sonde/backbone/service/options';
import { expect, it } from 'vitest';

const page = path.join(import.meta.dirname, '../../docs/settings.md');

const services: readonly { name: string; what: string; options: readonly OptionDeclaration[] }[] = [
  { name: 'Every service', what: 'What all of them have.', options: serviceOptions },
  {
    name: 'sonde collector',
    what: 'The node agent. It publishes to Kafka, through a spool on the disk.',
    options: collectorOptions,
  },
  {
    name: 'sonde enricher',
    what: 'From Kafka to ClickHouse. As many as there is work for, up to the number of partitions.',
    options: enricherOptions,
  },
  {
    name: 'sonde query-api',
    what: 'Answers for what is in ClickHouse. As many as are asked.',
    options: queryApiOptions,
  },
];

function settingsPage(): string {
  return `# What can the services be told?

A setting comes from a flag, else from the environment, else from a YAML file (\`--config\` or \`SONDE_CONFIG\`), else from
its default. In the file the parts of a key are nested: \`kafka.brokers\` is

\`\`\`yaml
kafka:
  brokers: [kafka-0:9092, kafka-1:9092]
\`\`\`

and \`SONDE_KAFKA_BROKERS=kafka-0:9092,kafka-1:9092\`, and \`--kafka-brokers kafka-0:9092,kafka-1:9092\`. A service that is told
something wrong says everything that is wrong, and where, and ends with code 2. How they run together is in
[services.md](services.md).

This page follows from the declarations in \`cli/services/\`; after a change there, write it anew with
\`npx vitest run test/docs -u\`.
${services.map(({ name, what, options }) => `\n## ${name}\n\n${what}\n\n${optionsTable(options)}`).join('\n')}
`;
}

it('docs/settings.md says what the declarations say', async () => {
  await expect(settingsPage()).toMatchFileSnapshot(page);
});

it('no two settings of a service share an environment variable', () => {
  for (const { options } of services) {
    const keys = [...serviceOptions, ...options].map(({ key }) => key.replaceAll('.', '').toLowerCase());
    const own = options === serviceOptions ? keys.slice(serviceOptions.length) : keys;
    expect(new Set(own).size).toBe(own.length);
  }
});
