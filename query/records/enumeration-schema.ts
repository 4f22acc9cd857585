import { type EnumerationField, enumerationValues } from '@sonde/model/flow/enumerations';

/** The JSON schema of a field of the flow record that has one of a few values. */
export function enumerationSchema(name: EnumerationField['name']) {
  return { type: 'string', enum: enumerationValues(name) } as const;
}
