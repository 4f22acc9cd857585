import { dnsFields } from '@sonde/model/dns/fields';
import { parseFilter } from '@sonde/model/filter/parse';
import { flowFields } from '@sonde/model/flow/fields';
import { expect, it } from 'vitest';
import { filterText, type FilterWords } from './filter-text.js';

it.each<[Partial<FilterWords>, string]>([
  [{}, 'primary'],
  [{ all: true }, ''],
  [{ terms: ['dst_port=443,80'] }, 'primary && dst_port in [443u, 80u]'],
  [{ terms: ['src.namespace=it"s'] }, 'primary && src.namespace == "it\\"s"'],
  [{ terms: ['primary=false'] }, 'primary == false'],
  [{ terms: ['protocol=tcp'], all: true }, 'protocol == "tcp"'],
  [
    { terms: ['start_time=2026-03-01T00:00:00Z'], all: true },
    'start_time == timestamp("2026-03-01T00:00:00Z")',
  ],
  [{ namespace: ['a', 'b'], all: true }, 'either(namespace in ["a", "b"])'],
  [
    { ip: ['10.0.0.0/8'], port: ['53'], all: true },
    'either(cidr(ip, ["10.0.0.0/8"])) && either(port in [53])',
  ],
  [
    { filter: 'action == "deny" // why?', terms: ['contradiction=true'] },
    'primary && contradiction == true && (action == "deny" // why?\n)',
  ],
])('%j means %s', (words, expected) => {
  const text = filterText('flows', { terms: [], ...words });
  expect(text).toBe(expected);
  expect(() => parseFilter(text, flowFields)).not.toThrow();
});

it('asks the client of lookups, which is all they know', () => {
  const text = filterText('dns', { terms: ['rcode=NXDOMAIN'], namespace: ['a'], ip: ['192.0.2.1'] });
  expect(text).toBe(
    'primary && rcode == "NXDOMAIN" && src.namespace in ["a"] && cidr(src.ip, ["192.0.2.1"])',
  );
  expect(() => parseFilter(text, dnsFields)).not.toThrow();
});

it('refuses what is no port', () => {
  for (const port of ['http', '65536', '1]'])
    expect(() => filterText('flows', { terms: [], port: [port] })).toThrow(/is no port/);
});

it('refuses what is no term', () => {
  expect(() => filterText('flows', { terms: ['storefront'] })).toThrow(/field=value/);
});
