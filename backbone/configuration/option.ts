/**
 * Declares one setting of a service. The key is in camel case with dots, for example `kafka.brokers`. The path in the
 * file, the environment variable (`SONDE_KAFKA_BROKERS`), the flag (`--kafka-brokers`) and the documentation derive from it.
 */
export type OptionDeclaration = OptionCommon &
  (
    | { readonly type: 'string'; readonly default?: string; readonly values?: readonly string[] }
    /** A list of strings; separated by commas in the environment and in flags. */
    | { readonly type: 'strings'; readonly default?: readonly string[]; readonly format?: StringFormat }
    /** The path of a readable file. */
    | { readonly type: 'file' }
    | { readonly type: 'integer'; readonly default?: number; readonly min: number; readonly max: number }
    /** A duration such as `30s`; the value is in milliseconds. */
    | (Quantity & { readonly type: 'duration'; readonly multipleOf?: string })
    /** A size such as `1Gi`; the value is in bytes. */
    | (Quantity & { readonly type: 'size' })
    | { readonly type: 'boolean'; readonly default: boolean }
    /** A string to keep confidential; `<key>File` may name a file that contains it. */
    | { readonly type: 'secret' }
  );

interface OptionCommon {
  readonly key: string;
  /** Whether the service cannot start without it. */
  readonly required?: boolean;
  /** Keys that must be set too (and be true, if boolean) when this one is. */
  readonly needs?: readonly string[];
  /** One line for the help text and the documentation. */
  readonly description: string;
}

/** The default and the bounds, in the format of the setting's values. */
interface Quantity {
  readonly default?: string;
  readonly min: string;
  readonly max: string;
}

/** Format of each string in a list. */
export type StringFormat = 'http://host:port' | 'host:port' | 'name=file';

interface ValueOfType {
  string: string;
  file: string;
  strings: readonly string[];
  integer: number;
  duration: number;
  size: number;
  boolean: boolean;
  secret: string;
}

/** A service's settings by key; undefined where a setting has neither a value nor a default. */
export type Configuration<Declared extends OptionDeclaration> = {
  readonly [Option in Declared as Option['key']]: Option extends
    { readonly default: unknown } | { readonly required: true }
    ? ValueOfType[Option['type']]
    : ValueOfType[Option['type']] | undefined;
};

/** The environment variable of a key: `SONDE_KAFKA_BROKERS` for `kafka.brokers`. */
export function environmentName(key: string): string {
  return `SONDE_${words(key).join('_').toUpperCase()}`;
}

/** The flag of a key without the leading dashes: `kafka-brokers` for `kafka.brokers`. */
export function flagName(key: string): string {
  return words(key).join('-').toLowerCase();
}

/** The key of the file that contains a secret. */
export function secretFileKey(key: string): string {
  return `${key}File`;
}

function words(key: string): string[] {
  return key.split(/\.|(?=[A-Z])/);
}
