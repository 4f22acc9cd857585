import type { EndpointIdentity } from '@sonde/model/cluster/identity';

/** The fields of an end that are texts of the identity at its address. */
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

/** The fields of an end that are texts. */
export type EndpointStringField = (typeof identityStringFields)[number] | 'network_sets';

/**
 * Numbers the texts that ends are described by, each field's by themselves, so that whoever writes a block's
 * dictionaries need not compare texts: in every block come the same ends.
 */
export class EndpointStrings {
  readonly #numbers = new Map<EndpointStringField, Map<string, number>>();
  readonly #ofIdentities = new WeakMap<EndpointIdentity, readonly number[]>();

  /** The number of a text of a field. */
  numberOf(field: EndpointStringField, text: string): number {
    let numbers = this.#numbers.get(field);
    if (!numbers) this.#numbers.set(field, (numbers = new Map<string, number>()));
    // Texts that are written alike count as equal.
    const written = text.toWellFormed();
    let number = numbers.get(written);
    if (number === undefined) {
      number = numbers.size;
      numbers.set(written, number);
    }
    return number;
  }

  /** The numbers of an identity's texts, in the order of {@link identityStringFields}. */
  numbersOf(identity: EndpointIdentity): readonly number[] {
    let numbers = this.#ofIdentities.get(identity);
    if (!numbers) {
      numbers = identityStringFields.map((field) => this.numberOf(field, stringOf(identity, field)));
      this.#ofIdentities.set(identity, numbers);
    }
    return numbers;
  }
}

/** A text of an identity by its name in the record. */
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
