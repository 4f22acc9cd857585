import { describe, expect, it } from 'vitest';
import { dnsFields } from '../dns/fields.js';
import { enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { flowFields } from '../flow/fields.js';
import { FilterError } from './errors.js';
import { parseFilter } from './parse.js';
import { filterPredicate } from './predicate.js';
import { filterSql } from './sql.js';

/** Whether a filter lets a flow through, which has what is given and nothing else. */
function passes(filter: string, flow: Parameters<typeof enrichedFlows>[0][number]): boolean {
  return filterPredicate(parseFilter(filter, flowFields))(enrichedFlows([flow]).columns)(0);
}

/** What is wrong with a filter. */
function errorOf(filter: string, fields: Parameters<typeof parseFilter>[1] = flowFields): FilterError {
  try {
    parseFilter(filter, fields);
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
  throw new Error(`nothing is wrong with ${filter}`);
}

describe('a filter', () => {
  it('lets everything through if it is blank', () => {
    expect(passes('', {})).toBe(true);
    expect(passes(' \n', {})).toBe(true);
  });

  it('names fields by their own names and by their ends', () => {
    const flow = { src_namespace: 'storefront', dst_port: 443, action: 'deny' } as const;
    expect(passes('src.namespace == "storefront" && dst.port in [443, 8443] && action == "deny"', flow)).toBe(
      true,
    );
    expect(passes('src_namespace == "storefront" && dst_port == 80', flow)).toBe(false);
  });

  it('asks either end with its names alone, namespace too, which CEL itself reserves', () => {
    expect(passes('either(namespace == "a" && port == 80)', { dst_namespace: 'a', dst_port: 80 })).toBe(true);
    expect(passes('either(namespace == "a" && port == 80)', { dst_namespace: 'a', src_port: 80 })).toBe(
      false,
    );
    expect(passes('either(domain("*.test"))', { src_domain: 'www.test' })).toBe(true);
  });

  it('takes a word in quotes or in a comment for no name', () => {
    expect(passes('src.name == "namespace" // namespace', { src_name: 'namespace' })).toBe(true);
    expect(passes(`src.name == 'a "namespace" b'`, { src_name: 'a "namespace" b' })).toBe(true);
    expect(passes('src.name == r"\\namespace"', { src_name: '\\namespace' })).toBe(true);
  });

  it('takes a label that is not there for an empty one', () => {
    expect(passes('src.labels["app"] == ""', { src_labels: 'tier=x' })).toBe(true);
    expect(passes('"app" in src.labels', { src_labels: 'tier=x' })).toBe(false);
    expect(passes('has(src.labels.app)', { src_labels: 'app=,tier=x' })).toBe(true);
    expect(passes('src.labels.tier == "x"', { src_labels: 'app=,tier=x' })).toBe(true);
  });

  it('knows protocols by name', () => {
    expect(passes('protocol == "tcp"', { protocol: 6 })).toBe(true);
    expect(passes('protocol in ["udp", 6]', { protocol: 17 })).toBe(true);
  });

  it('compares numbers beyond 2^53 exactly', () => {
    const flow = { transport_offset: 2 ** 53 };
    expect(passes('transport_offset < 9007199254740993', flow)).toBe(true);
    expect(passes('transport_offset == 9007199254740993', flow)).toBe(false);
  });

  it('is asked of lookups in the same language', () => {
    expect(() =>
      parseFilter('domain(query_name, "*.example.com") && rcode == "NXDOMAIN"', dnsFields),
    ).not.toThrow();
    expect(() => parseFilter('"192.0.2.1" in answers', dnsFields)).not.toThrow();
  });
});

describe('a long filter', () => {
  it('is no deep one if conditions are joined', () => {
    const many = Array.from({ length: 300 }, (_, port) => `dst.port == ${port}`);
    expect(passes(many.join(' || '), { dst_port: 299 })).toBe(true);
    expect(passes(many.map((one) => `!(${one})`).join('&&'), { dst_port: 299 })).toBe(false);
  });

  it('stays as long in SQL however conditions are nested', () => {
    const parameters = { add: () => '?' };
    const nested = Array.from({ length: 12 }).reduce(
      (text: string) => `(${text} ? primary : false)`,
      'primary',
    );
    const compared = Array.from({ length: 50 }, () => 'primary').join(' == ');
    for (const filter of [nested, compared]) {
      expect(filterSql(parseFilter(filter, flowFields), parameters).length).toBeLessThan(2500);
    }
  });
});

describe('what is wrong with a filter is told', () => {
  it('with the place, and the names that are near', () => {
    const error = errorOf('action == "deny" && src.namespac == "a"');
    expect(error).toMatchObject({ start: 24, end: 32, nearest: ['src.namespace'] });
    expect(error.message).toBe('src and dst have no field namespac (at character 25)');
  });

  it.each([
    ['src_namespce == "a"', 'there is no field src_namespce', ['src_namespace', 'src.namespace']],
    ['dst.prt == 1', 'src and dst have no field prt', ['dst.port']],
    ['nonsense', 'there is no field nonsense', []],
    ['either(nam == "a")', 'src and dst have no field nam', ['name', 'namespace']],
    ['action == "denied"', 'action is one of allow, deny, unknown, never "denied"', []],
    ['action == "deni"', 'action is one of allow, deny, unknown, never "deni"', ['deny']],
    ['domian(dst, "x")', 'there is no function domian', ['domain']],
    ['src.name.startswith("x")', 'there is no function startswith', ['startsWith']],
  ])('%s: names', (filter, message, nearest) => {
    const error = errorOf(filter);
    expect(error.message).toContain(message);
    expect(error.nearest).toEqual(expect.arrayContaining(nearest));
  });

  it.each([
    ['action = "deny"', 'write == to compare'],
    ['action == "deny" and dst.port == 1', 'write && instead of and'],
    ['not contradiction', 'write ! instead of not'],
    ['dst.port == 443 & primary', 'write && for "and"'],
    ['action == “deny”', 'write straight quotes'],
    ['action == \'deny"', 'no closing quote'],
    ['action == denied', 'if it is a value, write "denied"'],
    ['dst.port == "443"', 'write 443 without quotes'],
    ['rtt > 5parsecs', 'only durations have a unit'],
    ['dst.port == 5ms', 'a number and a duration cannot be compared'],
    ['src.namespace', 'expected a condition, not a string'],
    ['src', 'expected a condition, not a side of the record'],
    ['src.namespace == 1', 'a string and a number cannot be compared'],
    ['src.namespace > "a"', 'only numbers and times can be compared with'],
    ['start_time > "2026-03-01T12:00:00Z"', 'only numbers and times'],
    ['start_time == "2026-03-01T12:00:00Z"', 'write timestamp('],
    ['start_time == timestamp("yesterday")', 'not a time'],
    ['bytes_out / packets_out > 1', 'multiply the other side'],
    ['rtt_us > 1.5', 'numbers must be integers'],
    ['rtt_us > 18446744073709551616', 'numbers must be from'],
    ['src.name == null', 'there is no null'],
    ['src.ip == "10.0.0"', 'is not an address'],
    ['cidr(src.ip, "10.0.0.0/33")', 'is not an address'],
    ['cidr("10.0.0.0/8", src.ip)', 'expected an address'],
    ['src.ip.startsWith("10.")', 'cidr('],
    ['src.name.matches("(")', 'not an RE2 pattern'],
    ['src.name.matches("(?=x)")', 'not an RE2 pattern'],
    ['src.name.matches("(a{1000})")', 'the pattern is too large'],
    ['src.name in src.workload', 'a list, as in'],
    ['dst.port in ["http"]', 'expected a number'],
    ['src.name["a"] == "b"', 'only labels'],
    ['src.labels["a=b"] == "c"', 'this is not a valid label key'],
    ['src.name.contains(dst.name)', 'expected a quoted string'],
    ['protocol == "tpc"', 'is not a protocol'],
    ['{"a": 1} == 1', 'filters do not support maps'],
    ['[1].exists(x, x == 1)', 'there is no function exists'],
    ['either(either(port == 1))', 'either cannot be nested'],
    ['action == "deny" &&', 'is missing here'],
    ['"\ud800" == src.name', 'unpaired surrogate'],
  ])('%#: %s', (filter, message) => {
    const error = errorOf(filter);
    expect(error.message).toContain(message);
    expect(error.start).toBeLessThanOrEqual(error.end);
  });

  it('where it is too large or too deep to be taken', () => {
    const tooLarge = 'too large or too deep';
    expect(errorOf(`src.name == "${'x'.repeat(8200)}"`).message).toContain('8192 characters');
    expect(errorOf('('.repeat(100) + 'true' + ')'.repeat(100)).message).toContain(tooLarge);
    expect(errorOf('!'.repeat(8000) + 'true').message).toContain(tooLarge);
    expect(errorOf(`1 < ${Array.from({ length: 200 }, () => '1').join(' + ')}`).message).toContain(tooLarge);
    expect(errorOf(Array.from({ length: 200 }, () => 'primary').join(' == ')).message).toContain(tooLarge);
    expect(errorOf(`${'-'.repeat(200)} 1 < 2`).message).toContain(tooLarge);
    expect(errorOf(Array.from({ length: 1300 }, () => 'true').join('||')).message).toContain(tooLarge);
  });

  it('where records have no such field', () => {
    expect(errorOf('policy("a")', dnsFields).message).toContain('have no policies');
    expect(errorOf('dst.namespace == "a"', dnsFields).message).toContain(
      'src and dst have no field namespace',
    );
  });
});
