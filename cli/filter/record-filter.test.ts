import { dnsFields } from '@sonde/model/dns/fields';
import { parseFilter } from '@sonde/model/filter/parse';
import { flowFields } from '@sonde/model/flow/fields';
import { describe, expect, it } from 'vitest';
import { list } from './options.js';
import { type FilterOptions, recordFilter } from './record-filter.js';

const flows = (terms: readonly string[], options: FilterOptions = {}) =>
  recordFilter('flows', terms, options);

describe('terms', () => {
  it.each([
    [['dst_port=443,80'], 'dst_port in [443, 80]'],
    [['dst.port!=443'], '!(dst.port == 443)'],
    [['dst.port=8000-9000'], '(dst.port >= 8000 && dst.port <= 9000)'],
    [['bytes>1M', 'rtt>=5ms'], '(bytes_out + bytes_in) > 1000000 && rtt_us >= 5000'],
    [['src.namespace=it"s'], 'src.namespace == "it\\"s"'],
    [['namespace!=kube-system'], '!either(namespace == "kube-system")'],
    [['src.workload=front*'], 'src.workload.matches("^front.*$")'],
    [
      ['dst.domain=*.example.com,example.org'],
      '(dst.domain == "example.org" || domain(dst.domain, "*.example.com"))',
    ],
    [['dst.ip=10.0.0.0/8'], 'cidr(dst.ip, "10.0.0.0/8")'],
    [['src.labels.app.kubernetes.io/name=web'], 'src.labels["app.kubernetes.io/name"] == "web"'],
    [['action=*'], 'action in ["allow", "deny", "unknown"]'],
    [['protocol=TCP'], 'protocol == "tcp"'],
    [['contradiction=true'], 'contradiction == true'],
    [['start_time>2026-03-01T00:00:00Z'], 'start_time > timestamp("2026-03-01T00:00:00Z")'],
    [['pod/web-0'], 'either(name == "web-0")'],
    [['deploy/shop/web'], 'either(namespace == "shop" && workload == "web")'],
    [['svc/api'], 'dst.service == "api"'],
    [['shop/web'], 'either(namespace == "shop" && (workload == "web" || name == "web"))'],
  ])('%j select %s', async (terms, expected) => {
    expect(await flows(terms)).toBe(expected);
    expect(() => parseFilter(expected, flowFields)).not.toThrow();
  });

  it.each([
    ['storefront', /FIELD=VALUE/],
    ['src.nmespace=shop', /no field "src\.nmespace": did you mean src\.namespace\?/],
    ['dst.port=99999', /dst\.port is at most 65535/],
    ['dst.port=http', /dst\.port is a whole number, not "http"/],
    ['action=denied', /action is never "denied": did you mean deny\?/],
    ['dst.ip=10.0.0', /"10\.0\.0" is not an address/],
    ['protocol=tpc', /no protocol "tpc"/],
    ['src.namespace>shop', /compares numbers and times/],
    ['pods/a/b/c', /KIND\/NAMESPACE\/NAME/],
    ['primary=yes', /true or false/],
  ])('%s is refused with what to write', async (term, reason) => {
    await expect(flows([term])).rejects.toThrow(reason);
  });
});

describe('options', () => {
  it.each<[FilterOptions, string]>([
    [{ namespace: ['a', 'b'] }, 'either(namespace in ["a", "b"])'],
    [
      { workload: ['web', 'shop/api'] },
      '(either(workload == "web") || either(namespace == "shop" && (workload == "api" || name == "api")))',
    ],
    [{ ip: ['10.0.0.0/8'], port: ['53'] }, 'either(cidr(ip, "10.0.0.0/8")) && either(port == 53)'],
    [
      { selector: ['app=web', 'tier!=front', '!canary'] },
      'either(labels["app"] == "web" && labels["tier"] != "front" && !("canary" in labels))',
    ],
    [
      { verdict: ['deny'], toFqdn: ['*.example.com'] },
      'action == "deny" && domain(dst.domain, "*.example.com")',
    ],
    [{ filter: 'action == "deny" // why?' }, '(action == "deny" // why?\n)'],
  ])('%j select %s', async (options, expected) => {
    expect(await flows([], options)).toBe(expected);
    expect(() => parseFilter(expected, flowFields)).not.toThrow();
  });

  it('select lookups by their client', async () => {
    const text = await recordFilter('dns', ['rcode=NXD*', 'pod/web-0'], { namespace: ['a'] });
    expect(text).toBe('rcode == "NXDOMAIN" && (src.name == "web-0") && src.namespace == "a"');
    expect(() => parseFilter(text, dnsFields)).not.toThrow();
  });

  it('take lists with commas and can be repeated', () => {
    expect(list('a, b', ['c'])).toEqual(['c', 'a', 'b']);
    expect(() => list('a,', undefined)).toThrow(/empty items/);
  });

  it('show where an expression is wrong, as it was written', async () => {
    const filter = 'action == "deny" &&\n  src.nmespace == "shop"';
    await expect(flows(['dst.port=443'], { filter })).rejects.toThrow(
      /did you mean src\.namespace\?\)\n {4}src\.nmespace == "shop"\n {8}\^{8}$/,
    );
  });
});
