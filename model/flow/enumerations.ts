import { type FlowField, flowFields } from './fields.js';

/** An enumeration field of the flow record. */
export type EnumerationField = Extract<FlowField, { type: 'enumeration' }>;

/** The values of an enumeration field, for example of `action`. */
export type EnumerationValue<Name extends EnumerationField['name']> = Extract<
  EnumerationField,
  { name: Name }
>['values'][number];

/** All values of a field, in the order of their numbers. */
export function enumerationValues(name: EnumerationField['name']): readonly string[] {
  const field = flowFields.find((field) => field.name === name) as EnumerationField;
  return field.values;
}

/** The number of a value in the field's column: its index in the declaration. */
export function enumerationNumber<Name extends EnumerationField['name']>(
  name: Name,
  value: EnumerationValue<Name>,
): number {
  return numbers.get(`${name}=${value}`) ?? -1;
}

/** The numbers of all values, by `field=value`. */
const numbers = new Map(
  flowFields.flatMap((field) =>
    'values' in field ? field.values.map((value, number) => [`${field.name}=${value}`, number] as const) : [],
  ),
);

/** The value of a number in the field's column. */
export function enumerationValue<Name extends EnumerationField['name']>(
  name: Name,
  number: number,
): EnumerationValue<Name> | undefined {
  return enumerationValues(name)[number] as EnumerationValue<Name> | undefined;
}
