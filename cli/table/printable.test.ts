import { describe, expect, it } from 'vitest';
import { jsonText, printable, printableLines } from './printable.js';

const hostile = 'a\u001b]0;pwn\u0007\u007f\u009b2J\u202eb\r\n\tc';

describe('what somebody else wrote', () => {
  it('is shown with codes in place of what a terminal would obey', () => {
    expect(printable(hostile)).toBe('a\\x1b]0;pwn\\x07\\x7f\\x9b2J\\u202eb\\x0d\\x0a\\x09c');
    expect(printable('naïve – 日本 ✓ 👩‍💻')).toBe('naïve – 日本 ✓ 👩‍💻');
  });

  it('is shown so wherever it is in a value', () => {
    expect(printable([{ name: '\u0007', rows: [['\u0085', 1, null, true]] }])).toEqual([
      { name: '\\x07', rows: [['\\x85', 1, null, true]] },
    ]);
  });

  it('keeps its lines where it has lines', () => {
    expect(printableLines('a\u001b\nb\r\nc')).toBe('a\\x1b\nb\r\nc');
  });

  it('is the same JSON, with escapes', () => {
    for (const indent of [undefined, 2]) {
      const text = jsonText({ [hostile]: [hostile] }, indent);
      // eslint-disable-next-line no-control-regex -- they must not be there
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
      expect(JSON.parse(text)).toEqual({ [hostile]: [hostile] });
    }
  });
});
