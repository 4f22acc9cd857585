import { parseDuration, parseSize } from '@sonde/backbone/configuration/quantity';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { CommandLineError } from './errors.js';

const BITS: Readonly<Partial<Record<FieldDeclaration['type'], number>>> = {
  uint8: 8,
  uint16: 16,
  uint32: 32,
};

/**
 * A number of the command line as digits: `443`, with a unit for durations (`5ms`) and amounts (`10M`, `1Mi`, `5kB`).
 * @throws CommandLineError if it is no number, or more than the field can hold.
 */
export function numberText(name: string, text: string, field: FieldDeclaration): string {
  const value = valueOf(text, field);
  if (value === undefined) {
    const form = field.unit === 'microseconds' ? 'a duration such as 5ms' : 'a whole number';
    throw new CommandLineError(`${name} is ${form}, not "${text}"`);
  }
  const max = 2 ** (BITS[field.type] ?? 53);
  if (value >= max) throw new CommandLineError(`${name} is at most ${max - 1}, not ${text}`);
  return String(value);
}

function valueOf(text: string, { unit }: FieldDeclaration): number | undefined {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (unit === 'microseconds') {
    const [, micros] = /^(\d{1,15})(?:us|µs)$/.exec(text) ?? [];
    if (micros !== undefined) return Number(micros);
    const ms = parseDuration(text);
    return ms === undefined ? undefined : Math.round(ms * 1000);
  }
  return /^\d.*[kMGTi]B?$/.test(text) ? parseSize(text.replace(/B$/, '')) : undefined;
}
