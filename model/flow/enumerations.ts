import { type FlowField, flowFields } from './fields.js';

/** A field of the flow record that has one of a few values. */
export type EnumerationField = Extract<FlowField, { type: 'enumeration' }>;

/** The names of a field's values, for example of `action`. */
export type EnumerationValue<Name extends EnumerationField['name']> = Extract<
  EnumerationField,
  { name: Name }
>['values'][number];

/** The names of all of a field's values, in the order of their numbers. */
export function enumerationValues(name: EnumerationField['name']): readonly string[] {
  const field = flowFields.find((field) => field.name === name) as EnumerationField;
  return field.values;
}

/** The number that stands for a value in the field's column: its place in the declaration. */
export function enumerationNumber<Name extends EnumerationField['name']>(
  name: Name,
  value: EnumerationValue<Name>,
): number {
  return numbers.get(`${name}=${value}`) ?? -1;
}

/** The numbers of all values of all fields, by both names. */
const numbers = new Map(
  flowFields.flatMap((field) =>
    'values' in field ? field.values.map((value, number) => [`${field.name}=${value}`, number] as const) : [],
  ),
);

/** The value that a number in the field's column stands for. */
export function enumerationValue<Name extends EnumerationField['name']>(
  name: Name,
  number: number,
): EnumerationValue<Name> | undefined {
  return enumerationValues(name)[number] as EnumerationValue<Name> | undefined;
}
