import path from 'node:path';
import { dnsFields } from '@sonde/model/dns/fields';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { flowFields } from '@sonde/model/flow/fields';
import { expect, it } from 'vitest';

const page = path.join(import.meta.dirname, '../../docs/fields.md');

/** What a field's type means to a reader of the page. */
const TYPE_TEXT: Readonly<Record<FieldDeclaration['type'], string>> = {
  time: 'time',
  ip: 'address',
  uint8: 'number',
  uint16: 'number',
  uint32: 'number',
  uint64: 'number',
  boolean: 'true or false',
  enumeration: 'one of',
  text: 'text',
};

function fieldsPage(flow: readonly FieldDeclaration[], dns: readonly FieldDeclaration[]): string {
  return `# What a flow record holds

One record is one connection (five-tuple, oriented client to server) on one node over one aggregation window, with both
directions: \`_out\` is client to server, \`_in\` is server to client; \`src_\` is the client, \`dst_\` the server.

*Origin* says who fills a field: the wire (\`observed\`), the enricher (\`context\`) or the transport (\`provenance\`).

This part follows from \`model/flow/fields.ts\`; after a change there, write it again with
\`npx vitest run test/docs -u\`.

| field | type | unit | origin | meaning |
|---|---|---|---|---|
${flow.map(tableRow).join('\n')}

# What the record of a DNS lookup holds

One record is one transaction as one node saw it: a query with its response, a query without one (for 5 seconds), or a
response whose query was not seen. \`src_\` is the client.

This part follows from \`model/dns/fields.ts\`.

| field | type | unit | origin | meaning |
|---|---|---|---|---|
${dns.map(tableRow).join('\n')}
`;
}

function tableRow({ name, type, values, unit, origin, description }: FieldDeclaration): string {
  const typeText = [TYPE_TEXT[type], values?.map((value) => `\`${value}\``).join(', ')]
    .filter(Boolean)
    .join(' ');
  return `| ${[`\`${name}\``, typeText, unit ?? '', origin, description].join(' | ')} |`;
}

it('docs/fields.md says what the declarations say', async () => {
  await expect(fieldsPage(flowFields, dnsFields)).toMatchFileSnapshot(page);
});
