/**
 * How one setting of a service is declared. Its key has dots and camel case, for example `kafka.brokers`; the file's
 * path, the environment variable (`SONDE_KAFKA_BROKERS`), the flag (`--kafka-brokers`) and the documentation follow.
 */
export type OptionDeclaration = OptionCommon &
  (
    | { readonly type: 'text'; readonly default?: string; readonly values?: readonly string[] }
    /** Texts; in the environment and in flags separated by commas. */
    | { readonly type: 'texts'; readonly default?: readonly string[]; readonly form?: TextForm }
    /** The path of a file that can be read. */
    | { readonly type: 'file' }
    | { readonly type: 'number'; readonly default?: number; readonly least: number; readonly most: number }
    /** A whole number. */
    | { readonly type: 'integer'; readonly default?: number; readonly least: number; readonly most: number }
    | { readonly type: 'boolean'; readonly default: boolean }
    /** A text that is nobody's business; `<key>File` may name a file that holds it instead. */
    | { readonly type: 'secret' }
  );

interface OptionCommon {
  readonly key: string;
  /** Whether a service cannot do without it. */
  readonly required?: boolean;
  /** Keys that it is nothing without: where it is given, those must be, too, and be true where they can be. */
  readonly needs?: readonly string[];
  /** One line for people, with the unit of a number. */
  readonly description: string;
}

/** What each of some texts must look like. */
export type TextForm = 'http://host:port' | 'host:port' | 'name=file';

interface ValueOfType {
  text: string;
  file: string;
  texts: readonly string[];
  number: number;
  integer: number;
  boolean: boolean;
  secret: string;
}

/** What a service is told: a value for each key, undefined where neither anybody nor the declaration gives one. */
export type Configuration<Declared extends OptionDeclaration> = {
  readonly [Option in Declared as Option['key']]: Option extends
    { readonly default: unknown } | { readonly required: true }
    ? ValueOfType[Option['type']]
    : ValueOfType[Option['type']] | undefined;
};

/** The environment variable of a key. */
export function environmentName(key: string): string {
  return `SONDE_${words(key).join('_').toUpperCase()}`;
}

/** The flag of a key, without the dashes before it. */
export function flagName(key: string): string {
  return words(key).join('-').toLowerCase();
}

function words(key: string): string[] {
  return key.split(/\.|(?=[A-Z])/);
}
