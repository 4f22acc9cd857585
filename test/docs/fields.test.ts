import path from 'node:path';
import { dnsFields } from '@sonde/model/dns/fields';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { flowFields } from '@sonde/model/flow/fields';
import { expect, it } from 'vitest';

const page = path.join(import.meta.dirname, '../../docs/fields.md');

/** Types as the page names them. */
const TYPE_TEXT: Readonly<Record<FieldDeclaration['type'], string>> = {
  time: 'time',
  ip: 'address',
  uint8: 'number',
  uint16: 'number',
  uint32: 'number',
  uint64: 'number',
  boolean: 'boolean',
  enumeration: 'one of',
  string: 'string',
};

function fieldsPage(flow: readonly FieldDeclaration[], dns: readonly FieldDeclaration[]): string {
  return `# Field reference

Fields of flow records and DNS lookups, for filters, groups, columns and the API. *Origin* is the source of a field: the
packets (\`observed\`), the enricher (\`context\`) or the transport (\`provenance\`).

This page is generated from \`model/flow/fields.ts\` and \`model/dns/fields.ts\`. After a change, regenerate it with
\`npx vitest run test/docs -u\`.

## Flow records

A record is one connection (five-tuple, oriented client to server) on one node in one window, with both directions:
\`_out\` is client to server, \`_in\` is server to client; \`src_\` is the client, \`dst_\` the server.

| field | type | unit | origin | meaning |
|---|---|---|---|---|
${flow.map(tableRow).join('\n')}

## DNS lookups

A record is one transaction that one node saw: a query with its response, a query without a response (for 5 seconds), or
a response whose query was not seen. \`src_\` is the client.

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

it('docs/fields.md lists the declared fields', async () => {
  await expect(fieldsPage(flowFields, dnsFields)).toMatchFileSnapshot(page);
});
