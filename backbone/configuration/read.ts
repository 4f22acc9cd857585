import { readFileSync } from 'node:fs';
import { readFile } from './file.js';
import { type Configuration, environmentName, flagName, type OptionDeclaration } from './option.js';
import { ConfigurationError, type ConfigurationProblem } from './problem.js';
import { checkValue, type GivenValue } from './values.js';

export interface ConfigurationSources {
  /** A YAML file, whose nested maps are the keys' parts. */
  readonly file?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values of flags by {@link flagName}. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads a service's settings: a flag goes before the environment, that before the file, that before the declared
 * default. Variables of the environment that no option has are not looked at, as Kubernetes puts its own there.
 * @throws ConfigurationError with everything that is wrong.
 */
export function readConfiguration<const Declared extends OptionDeclaration>(
  options: readonly Declared[],
  sources: ConfigurationSources,
): Configuration<Declared> {
  const problems: ConfigurationProblem[] = [];
  const given = gather(options, sources, problems);
  const values: Record<string, unknown> = {};
  for (const option of options) {
    const { key } = option;
    const found = given.get(key) ?? secretOfFile(option, given, problems);
    if (found) {
      const checked = checkValue(option, found);
      if ('value' in checked) values[key] = checked.value;
      else problems.push({ key, origin: found.origin, reason: checked.problem });
    } else if ('default' in option) {
      values[key] = option.default;
    } else if (option.required === true) {
      problems.push({ key, reason: `must be given: ${waysToGive(key)}` });
    }
  }
  problems.push(...missingCompanions(options, given, values));
  if (problems.length > 0) throw new ConfigurationError(problems);
  // Each value was checked against the declaration that the type comes from.
  return values as Configuration<Declared>;
}

/** Of what was given, what is nothing without something else that was not. */
function missingCompanions(
  options: readonly OptionDeclaration[],
  given: ReadonlyMap<string, GivenValue>,
  values: Readonly<Record<string, unknown>>,
): ConfigurationProblem[] {
  return options.flatMap(({ key, needs = [] }) => {
    const giver = given.get(key) ?? given.get(secretFileKey(key));
    if (!giver) return [];
    const missing = needs.filter((needed) =>
      needed in values ? values[needed] === false : !given.has(needed) && !given.has(secretFileKey(needed)),
    );
    return missing.map((needed) => ({ key, origin: giver.origin, reason: `needs ${needed}, too` }));
  });
}

/** The key that names a secret's file. */
export function secretFileKey(key: string): string {
  return `${key}File`;
}

/** What was given for each key, by who goes first. */
function gather(
  options: readonly OptionDeclaration[],
  { file, environment, flags }: ConfigurationSources,
  problems: ConfigurationProblem[],
): Map<string, GivenValue> {
  const keys = options.flatMap(({ key, type }) => (type === 'secret' ? [key, secretFileKey(key)] : [key]));
  const given = new Map<string, GivenValue>();
  if (file !== undefined) {
    const read = readFile(file);
    problems.push(...read.problems);
    for (const one of read.given) {
      if (keys.includes(one.key)) given.set(one.key, one);
      else problems.push({ key: one.key, origin: one.origin, reason: 'is no setting of this service' });
    }
  }
  for (const key of keys) {
    const variable = environmentName(key);
    const ofEnvironment = environment[variable];
    if (ofEnvironment !== undefined) given.set(key, { key, value: ofEnvironment, origin: variable });
    const flag = flagName(key);
    const ofFlag = flags[flag];
    if (ofFlag !== undefined) given.set(key, { key, value: ofFlag, origin: `--${flag}` });
  }
  return given;
}

function secretOfFile(
  { key, type }: OptionDeclaration,
  given: ReadonlyMap<string, GivenValue>,
  problems: ConfigurationProblem[],
): GivenValue | undefined {
  const named = type === 'secret' ? given.get(secretFileKey(key)) : undefined;
  if (!named) return undefined;
  try {
    return { key, value: readFileSync(String(named.value), 'utf8').trimEnd(), origin: named.origin };
  } catch (error) {
    problems.push({ key: named.key, origin: named.origin, reason: (error as Error).message });
    return { key, value: '', origin: named.origin };
  }
}

function waysToGive(key: string): string {
  return `${key} in the file, ${environmentName(key)} or --${flagName(key)}`;
}
