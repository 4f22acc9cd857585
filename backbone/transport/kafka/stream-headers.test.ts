import { describe, expect, it } from 'vitest';
import { streamHeaders, parseStreamHeaders } from './stream-headers.js';

/** Headers as Kafka returns them. */
function received(headers: Readonly<Record<string, string>>) {
  return Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)]));
}

describe('the headers of a message', () => {
  it('contain its position in its spool', () => {
    const source = { stream: '0a1b2c', position: 2 ** 40 };
    expect(parseStreamHeaders(received(streamHeaders(source) as Record<string, string>))).toEqual(source);
  });

  it.each([
    {},
    { 'sonde-stream': 'a' },
    { 'sonde-position': '1' },
    { 'sonde-stream': 'a', 'sonde-position': '-1' },
    { 'sonde-stream': 'a', 'sonde-position': '9'.repeat(20) },
    { 'sonde-stream': "a'), ('b", 'sonde-position': '1' },
    { 'sonde-stream': 'a'.repeat(65), 'sonde-position': '1' },
  ])('are ignored if they are not valid: %j', (headers) => {
    expect(parseStreamHeaders(received(headers))).toBeUndefined();
  });
});
