import { describe, expect, it } from 'vitest';
import { exampleOf } from './example-of.js';

describe('an example of a schema', () => {
  it('is its own example, constant, first enumerated value or default', () => {
    expect(exampleOf({ type: 'string', examples: ['a', 'b'], default: 'c' })).toBe('a');
    expect(exampleOf({ const: 0 })).toBe(0);
    expect(exampleOf({ type: 'string', enum: ['x', 'y'], default: 'y' })).toBe('x');
    expect(exampleOf({ type: 'boolean', default: true })).toBe(true);
  });

  it('is composed of the examples of its parts', () => {
    const time = { type: 'string', format: 'date-time' };
    const port = { type: 'integer', minimum: 1 };
    expect(
      exampleOf({
        type: 'object',
        properties: { at: time, ports: { type: 'array', items: port }, either: { oneOf: [port, time] } },
      }),
    ).toEqual({ at: '2026-03-01T12:00:00.000Z', ports: [1], either: 1 });
  });
});
