import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MINUTE, NOW, startPolicyShop } from '@sonde/test/fixtures/policy-shop';
import type { TestApi } from '@sonde/test/fixtures/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await startPolicyShop();
});

afterAll(() => api.close());

describe('changes of policies', () => {
  it('have time, author and diff, latest first', async () => {
    const { body } = await api.get('/api/v1/policies/changes?namespace=shop');
    const changes = body['changes'] as Record<string, string>[];
    expect(changes.map(({ name, change, user }) => [name, change, user])).toEqual([
      ['gone', 'deleted', undefined],
      ['gone', 'created', undefined],
      ['api', 'changed', 'alice'],
      ['api', 'created', undefined],
    ]);
    expect(changes[2]?.['time']).toBe(new Date(NOW - 30 * MINUTE).toISOString());
    expect(changes[2]?.['diff']).toMatch(
      /^--- a\/NetworkPolicy\/shop\/api\n\+\+\+ b\/NetworkPolicy\/shop\/api\n@@ .* @@\n(.*\n)*\+ {2}ingress:\n/,
    );
    expect(changes[3]?.['diff']).toMatch(/^--- \/dev\/null\n\+\+\+ b\/NetworkPolicy\/shop\/api\n/);
    expect(changes[0]?.['diff']).toContain('+++ /dev/null');
  });

  it('are selected by time range, kind, namespace and name', async () => {
    const names = async (query: string) => {
      const { body } = await api.get(`/api/v1/policies/changes?${query}`);
      return (body['changes'] as Record<string, string>[]).map(
        ({ kind, name }) => `${kind ?? ''} ${name ?? ''}`,
      );
    };
    expect(await names('from=-35m&to=-25m')).toEqual(['NetworkPolicy api']);
    expect(await names('kind=Tier')).toEqual(['Tier security']);
    expect(await names('kind=Namespace&name=infra')).toEqual(['Namespace infra']);
    expect(await names('limit=1')).toEqual(['NetworkPolicy gone']);
  });

  it('are limited, and further ones are reported', async () => {
    const told = async (limit: number) => {
      const { body } = await api.get(`/api/v1/policies/changes?namespace=shop&limit=${limit}`);
      return [(body['changes'] as object[]).length, body['more']];
    };
    expect([await told(3), await told(4)]).toEqual([
      [3, true],
      [4, false],
    ]);
  });

  it('of other namespaces are hidden', async () => {
    const { text } = await api.as(['shop']).get('/api/v1/policies/changes');
    expect(text).toContain('alice');
    expect(text).not.toMatch(/vault|secret|mallory/);
  });
});
