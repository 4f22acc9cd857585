/**
 * Characters that control a terminal: control characters (ECMA-48's C0, DEL and C1), line and paragraph separators, and
 * changes of the text direction (Unicode Standard Annex #9 §2).
 */
// eslint-disable-next-line no-control-regex -- matches control characters
const COMMANDS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Untrusted values, such as names that pods choose, in a form that is safe on a terminal: control characters in strings
 * become escapes such as `\x1b`. Keys are not changed.
 */
export function printable<Value>(value: Value): Value {
  return mapped(value) as Value;
}

/** The same for a text of several lines, which are kept. */
export function printableLines(text: string): string {
  return text.replace(COMMANDS, (found, at: number) =>
    found === '\n' || (found === '\r' && text[at + 1] === '\n') ? found : codeOf(found),
  );
}

/** JSON in which such characters are escaped, which `JSON.stringify` does for few of them. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(COMMANDS, (found) =>
    found === '\n' ? found : `\\u${hex(found, 4)}`,
  );
}

function mapped(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(COMMANDS, codeOf);
  if (Array.isArray(value)) return value.map(mapped);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapped(one)]));
}

function codeOf(found: string): string {
  return found < '\u0100' ? `\\x${hex(found, 2)}` : `\\u${hex(found, 4)}`;
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
