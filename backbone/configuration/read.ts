import { readFileSync } from 'node:fs';
import { readFile } from './file.js';
import {
  type Configuration,
  environmentName,
  flagName,
  type OptionDeclaration,
  secretFileKey,
} from './option.js';
import { ConfigurationError, type ConfigurationProblem } from './problem.js';
import { RENAMED_SETTINGS } from './renamed.js';
import { defaultValue, parseValue, type RawValue } from './values.js';

export interface ConfigurationSources {
  /** A YAML file; nested maps are the parts of a key. */
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values of flags by {@link flagName}. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads a service's settings. Flags take precedence over the environment, the environment over the file, and the file
 * over declared defaults. Unknown environment variables are ignored: Kubernetes sets variables with the same prefix.
 * @throws ConfigurationError with every problem found.
 */
export function readConfiguration<const Declared extends OptionDeclaration>(
  options: readonly Declared[],
  sources: ConfigurationSources,
): Configuration<Declared> {
  const problems: ConfigurationProblem[] = [];
  const raw = gather(options, sources, problems);
  const values: Record<string, unknown> = {};
  for (const option of options) {
    const { key } = option;
    const found = raw.get(key) ?? readSecretFile(option, raw, problems);
    if (found) {
      const parsed = parseValue(option, found);
      if ('value' in parsed) values[key] = parsed.value;
      else problems.push({ key, origin: found.origin, reason: parsed.problem });
      continue;
    }
    const value = defaultValue(option);
    if (value !== undefined) values[key] = value;
    else if (option.required === true) problems.push({ key, reason: `is required: set ${waysToSet(key)}` });
  }
  problems.push(...missingCompanions(options, raw, values));
  if (problems.length > 0) throw new ConfigurationError(problems);
  // Each value was validated against the declaration that the type derives from.
  return values as Configuration<Declared>;
}

/** The keys of options under their old names, with the new name. */
export function renamedKeys(options: readonly OptionDeclaration[]): [old: string, current: string][] {
  const keys = new Set(keysOf(options));
  return [...RENAMED_SETTINGS].filter(([, current]) => keys.has(current));
}

/** Settings that need another one that is not set. */
function missingCompanions(
  options: readonly OptionDeclaration[],
  raw: ReadonlyMap<string, RawValue>,
  values: Readonly<Record<string, unknown>>,
): ConfigurationProblem[] {
  return options.flatMap(({ key, needs = [] }) => {
    const set = raw.get(key) ?? raw.get(secretFileKey(key));
    if (!set) return [];
    const missing = needs.filter((needed) =>
      needed in values ? values[needed] === false : !raw.has(needed) && !raw.has(secretFileKey(needed)),
    );
    return missing.map((needed) => ({ key, origin: set.origin, reason: `requires ${needed}` }));
  });
}

/** The value of each key from the source with the highest precedence. */
function gather(
  options: readonly OptionDeclaration[],
  { file, environment, flags }: ConfigurationSources,
  problems: ConfigurationProblem[],
): Map<string, RawValue> {
  const keys = keysOf(options);
  const raw = new Map<string, RawValue>();
  if (file !== undefined) {
    const read = readFile(file);
    problems.push(...read.problems);
    for (const entry of read.values) {
      const renamed = RENAMED_SETTINGS.get(entry.key);
      if (keys.includes(entry.key)) raw.set(entry.key, entry);
      else if (renamed !== undefined) problems.push(renamedProblem(entry.key, renamed, entry.origin));
      else
        problems.push({ key: entry.key, origin: entry.origin, reason: 'is not a setting of this service' });
    }
  }
  for (const [source, nameOf, prefix] of [
    [environment, environmentName, ''],
    [flags, flagName, '--'],
  ] as const) {
    for (const key of keys) {
      const value = source[nameOf(key)];
      if (value !== undefined) raw.set(key, { key, value, origin: prefix + nameOf(key) });
    }
    for (const [old, current] of renamedKeys(options)) {
      if (source[nameOf(old)] !== undefined)
        problems.push(renamedProblem(old, prefix + nameOf(current), prefix + nameOf(old)));
    }
  }
  return raw;
}

function renamedProblem(key: string, current: string, origin: string): ConfigurationProblem {
  return { key, origin, reason: `was renamed; use ${current}` };
}

function keysOf(options: readonly OptionDeclaration[]): string[] {
  return options.flatMap(({ key, type }) => (type === 'secret' ? [key, secretFileKey(key)] : [key]));
}

function readSecretFile(
  { key, type }: OptionDeclaration,
  raw: ReadonlyMap<string, RawValue>,
  problems: ConfigurationProblem[],
): RawValue | undefined {
  const file = type === 'secret' ? raw.get(secretFileKey(key)) : undefined;
  if (!file) return undefined;
  try {
    return { key, value: readFileSync(String(file.value), 'utf8').trimEnd(), origin: file.origin };
  } catch (error) {
    problems.push({ key: file.key, origin: file.origin, reason: (error as Error).message });
    return { key, value: '', origin: file.origin };
  }
}

function waysToSet(key: string): string {
  return `${key} in the file, ${environmentName(key)} or --${flagName(key)}`;
}
