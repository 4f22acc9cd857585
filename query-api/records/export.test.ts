import { enrichedDns } from '@sonde/test/builders/dns';
import { enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { startTestApi, type TestApi } from '@sonde/test/fixtures/test-api';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const START = Date.parse('2026-03-01T00:00:00Z');
const RANGE = 'from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z';
const FLOWS = 25;

let api: TestApi;

beforeAll(async () => {
  // Pages of ten records: an export consists of several.
  api = await startTestApi({ limits: { rows: 10 } });
  const flows = Array.from({ length: FLOWS }, (_, row) => ({
    start_time: START + Math.floor(row / 3) * 1000,
    ...{ src_ip: '10.0.0.1', dst_ip: '2001:db8::1', dst_port: row, bytes_out: 2 ** 53 + 2 * row },
    ...{ src_kind: 'pod', src_namespace: row % 2 === 0 ? 'shop' : 'blog', src_name: 'web "1",\n日本' },
    ...{ primary: true, action: 'deny', tls_server_name: '=1+1' },
  })) as Parameters<typeof enrichedFlows>[0];
  await api.store.insert({
    flows: enrichedFlows(flows),
    dns: enrichedDns([{ start_time: START, query_name: '@evil.test' }]),
  });
});

afterAll(() => api.close());

/** The response of an export as bytes. */
async function bytesOf(target: string, accept?: string): Promise<{ response: Response; bytes: Uint8Array }> {
  const response = await fetch(api.url + target, accept === undefined ? {} : { headers: { accept } });
  return { response, bytes: new Uint8Array(await response.arrayBuffer()) };
}

describe('an export as CSV', () => {
  it('contains every record once, in order, with a header', async () => {
    const { status, type, headers, text } = await api.get(
      `/api/v1/flows?${RANGE}&format=csv&order=oldest&fields=start_time,dst_port`,
    );
    expect({ status, type }).toEqual({ status: 200, type: 'text/csv; charset=utf-8; header=present' });
    expect(headers.get('content-disposition')).toBe('attachment; filename="flows.csv"');
    const [header, ...lines] = text.trimEnd().split('\r\n');
    expect(header).toBe('start_time,dst_port');
    expect(lines.map((line) => Number(line.split(',')[1])).sort((a, b) => a - b)).toEqual(
      Array.from({ length: FLOWS }, (_, row) => row),
    );
    const times = lines.map((line) => line.split(',')[0]);
    expect(times).toEqual([...times].sort());
  });

  it('quotes values and prevents formulas', async () => {
    const target = `/api/v1/flows?${RANGE}&format=csv&limit=1&order=oldest&fields=src_name,tls_server_name,src_ip,bytes_out`;
    expect((await api.get(target)).text).toBe(
      'src_name,tls_server_name,src_ip,bytes_out\r\n"web ""1"",\n日本",\'=1+1,10.0.0.1,9007199254740992\r\n',
    );
    const dns = await api.get(`/api/v1/dns?${RANGE}&format=csv&fields=query_name`);
    expect(dns.text).toBe("query_name\r\n'@evil.test\r\n");
  });

  it('has only a header without records', async () => {
    const { text } = await api.get(
      '/api/v1/flows?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z&format=csv&fields=action',
    );
    expect(text).toBe('action\r\n');
  });

  it('is limited by `limit`, and redacted for a reader of some namespaces', async () => {
    const limited = await api.get(`/api/v1/flows?${RANGE}&format=csv&fields=dst_port&limit=7`);
    expect(limited.text.trimEnd().split('\r\n')).toHaveLength(8);
    const own = await api.as(['shop']).get(`/api/v1/flows?${RANGE}&format=csv&fields=src_namespace`);
    expect(own.text).toBe(`src_namespace\r\n${'shop\r\n'.repeat(13)}`);
  });
});

describe('an export as Arrow', () => {
  it('is one stream with every record and the types of the fields', async () => {
    const { bytes, response } = await bytesOf(`/api/v1/flows?${RANGE}&format=arrow&order=oldest`);
    expect(response.headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
    const table = tableFromIPC(bytes);
    expect(table.numRows).toBe(FLOWS);
    expect(table.batches).toHaveLength(3);
    const type = (name: string) => String(table.schema.fields.find((field) => field.name === name)?.type);
    expect(['start_time', 'src_ip', 'dst_port', 'bytes_out', 'primary', 'action'].map(type)).toEqual([
      'Timestamp<MILLISECOND, UTC>',
      'Utf8',
      'Uint16',
      'Uint64',
      'Bool',
      'Utf8',
    ]);
    expect(table.get(0)?.toJSON()).toMatchObject({
      start_time: START,
      bytes_out: BigInt(2 ** 53),
      ...{ src_ip: '10.0.0.1', dst_ip: '2001:db8::1', primary: true, action: 'deny' },
    });
  });

  it('without records is a valid stream', async () => {
    const { bytes } = await bytesOf(
      '/api/v1/dns?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z&format=arrow',
    );
    const table = tableFromIPC(bytes);
    expect(table.numRows).toBe(0);
    expect(table.schema.fields.length).toBeGreaterThan(10);
  });
});

describe('the format of a response', () => {
  it.each([
    ['text/csv', 'text/csv; charset=utf-8; header=present'],
    ['application/vnd.apache.arrow.stream', 'application/vnd.apache.arrow.stream'],
    ['text/csv;q=0.5, application/json', 'application/json; charset=utf-8'],
    ['text/*', 'text/csv; charset=utf-8; header=present'],
    ['*/*', 'application/json; charset=utf-8'],
    ['application/*, text/csv;q=0.1', 'application/json; charset=utf-8'],
  ])('follows the header accept: %s', async (accept, type) => {
    const { response } = await bytesOf(`/api/v1/flows?${RANGE}&limit=1`, accept);
    expect(response.headers.get('content-type')).toBe(type);
  });

  it('is rejected if the client accepts none', async () => {
    const { response, bytes } = await bytesOf(`/api/v1/flows?${RANGE}`, 'image/png, application/json;q=0');
    expect(response.status).toBe(406);
    expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({ code: 'SONDE_NOT_ACCEPTABLE' });
  });

  it('of an error is a problem document', async () => {
    const { status, body } = await api.get(`/api/v1/flows?${RANGE}&format=csv&filter=x`);
    expect({ status, code: body['code'] }).toEqual({ status: 400, code: 'SONDE_INVALID_PARAMETER' });
  });
});
