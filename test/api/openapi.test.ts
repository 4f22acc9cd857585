import { createConfig, lintFromString } from '@redocly/openapi-core';
import type { ApiDocument, ApiMedia, ApiOperation } from '../fixtures/openapi-conformance.js';
import { startTestApi, type TestApi } from '../fixtures/test-api.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

// Many requests per test, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let api: TestApi;
let text: string;
let document: ApiDocument;

beforeAll(async () => {
  api = await startTestApi();
  text = (await api.get('/api/v1/openapi.json')).text;
  document = JSON.parse(text) as ApiDocument;
});

afterAll(() => api.close());

/** Every operation with its method and path. */
function operations(): [string, ApiOperation][] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, ApiOperation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );
}

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1 and passes the linter', async () => {
    expect(document).toMatchObject({ openapi: '3.1.0' });
    const config = await createConfig({ extends: ['recommended'] });
    const problems = await lintFromString({ source: text, config });
    const found = problems.map(
      ({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer ?? ''}`,
    );
    expect(found).toEqual([]);
  });

  it('describes every operation and parameter', () => {
    const silent = operations().flatMap(([name, { operationId, summary = '', parameters = [] }]) => [
      ...(/^[a-z][A-Za-z]+$/.test(operationId) ? [] : [`${name} has no name`]),
      ...(summary === '' ? [`${name} has no summary`] : []),
      ...parameters
        .filter(({ description = '' }) => description === '')
        .map((parameter) => `${name}: ${parameter.name} has no description`),
    ]);
    expect(silent).toEqual([]);
  });

  it('has unique operation ids', () => {
    const ids = operations().map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has an example of every response and request body that matches its schema', () => {
    const ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
    const wrong: string[] = [];
    const check = (what: string, media: ApiMedia) => {
      const found = examplesOf(media);
      if (found.length === 0) wrong.push(`${what} has no example`);
      for (const example of found) {
        if (media.schema && !ajv.validate(media.schema, example)) wrong.push(`${what}: ${ajv.errorsText()}`);
      }
    };
    for (const [name, { requestBody, responses }] of operations()) {
      for (const media of Object.values(requestBody?.content ?? {})) check(`the body of ${name}`, media);
      const answer = responses[200]?.content?.['application/json'];
      if (answer) check(`the answer of ${name}`, answer);
    }
    expect(wrong).toEqual([]);
  });
});

/** The examples of a body: of its media type, or of its schema. */
function examplesOf({ schema, example, examples }: ApiMedia): unknown[] {
  const ofSchema = schema?.examples;
  return [
    ...(example === undefined ? [] : [example]),
    ...Object.values(examples ?? {}).map(({ value }) => value),
    ...(Array.isArray(ofSchema) ? (ofSchema as unknown[]) : []),
  ];
}
