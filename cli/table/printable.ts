/**
 * Characters that tell a terminal to do something other than show them: control characters (ECMA-48's C0, DEL and C1),
 * line and paragraph separators, and what turns the direction of text around (Unicode Standard Annex #9 §2).
 */
// eslint-disable-next-line no-control-regex -- they are what is looked for
const COMMANDS = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * What somebody else wrote, as it can be shown on a terminal: names of processes, for instance, are whatever a pod
 * chooses. Every text in a value is given with such characters as codes, `\x1b`; keys stay as they are.
 */
export function printable<Value>(value: Value): Value {
  return mapped(value) as Value;
}

/** The same of a text of several lines, which stay lines. */
export function printableLines(text: string): string {
  return text.replace(COMMANDS, (found, at: number) =>
    found === '\n' || (found === '\r' && text[at + 1] === '\n') ? found : codeOf(found),
  );
}

/** JSON of the same meaning, in which such characters are escaped: `JSON.stringify` leaves many as they are. */
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
