import type { EndpointIdentity } from '@sonde/model/cluster/identity';

/** String fields of an endpoint that are read from the identity of its address. */
export const identityStringFields = [
  'namespace',
  'name',
  'workload',
  'workload_kind',
  'service_account',
  'labels',
  'node',
  'zone',
] as const;

/** String fields of an endpoint. */
export type EndpointStringField = (typeof identityStringFields)[number] | 'network_sets';

/**
 * Ids of the strings of endpoints, for each field separately, so that the writer of a block's dictionaries
 * does not need to compare strings.
 */
export class EndpointStrings {
  readonly #numbers = new Map<EndpointStringField, Map<string, number>>();
  readonly #ofIdentities = new WeakMap<EndpointIdentity, readonly number[]>();

  /** The id of a string of a field. */
  numberOf(field: EndpointStringField, text: string): number {
    let numbers = this.#numbers.get(field);
    if (!numbers) this.#numbers.set(field, (numbers = new Map<string, number>()));
    // Strings with the same encoding are equal.
    const written = text.toWellFormed();
    let number = numbers.get(written);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(written, number);
    }
    return number;
  }

  /** The ids of an identity's strings, in the order of {@link identityStringFields}. */
  numbersOf(identity: EndpointIdentity): readonly number[] {
    let numbers = this.#ofIdentities.get(identity);
    if (!numbers) {
      numbers = identityStringFields.map((field) => this.numberOf(field, stringOf(identity, field)));
      this.#ofIdentities.set(identity, numbers);
    }
    return numbers;
  }
}

/** The value of a string field of an identity. */
export function stringOf(identity: EndpointIdentity, field: (typeof identityStringFields)[number]): string {
  switch (field) {
    case 'workload_kind':
      return identity.workloadKind;
    case 'service_account':
      return identity.serviceAccount;
    default:
      return identity[field];
  }
}
