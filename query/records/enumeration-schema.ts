import { type EnumerationField, enumerationValues } from '@sonde/model/flow/enumerations';

/** The JSON schema of an enumeration field of flows. */
export function enumerationSchema(name: EnumerationField['name']) {
  return { type: 'string', enum: enumerationValues(name) } as const;
}
