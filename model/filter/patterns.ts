import { RE2JS } from 're2js';

/** Maximum number of characters in a pattern. */
export const MAX_PATTERN_CHARACTERS = 1000;

/**
 * Maximum number of steps of a compiled pattern. The engine rejects patterns that need more than 8 MiB (RE2's `max_mem`);
 * a step can be a class of letters, which is some hundred steps of bytes there.
 */
export const MAX_PATTERN_STEPS = 300;

/**
 * The RE2 pattern for a glob of domain names, in which `*` matches one or more characters, including dots. Names are stored
 * in lower case without the trailing dot, so the glob is converted to that form.
 */
export function domainPattern(glob: string): string {
  return `^${quoted(glob.toLowerCase().replace(/\.$/, ''), '.+')}$`;
}

/**
 * The RE2 pattern for traces (lists of `index|tier|kind:namespace/name|action|rule`) with a step of a policy that matches
 * a glob: a policy's `name`, `namespace/name`, `tier.name` or `namespace/tier.name`, in which `*` matches any number of
 * characters. If a policy's name starts with its tier, the tier is written once.
 */
export function policyPattern(glob: string): string {
  const slash = glob.indexOf('/');
  const namespace = slash < 0 ? '(?:[^|,/]*/)?' : `${quoted(glob.slice(0, slash), WITHIN)}/`;
  const ways = namings(glob.slice(slash + 1)).map(({ tier, name }) => {
    const inTier = quoted(tier, WITHIN);
    return `${inTier}\\|[a-z]+:${namespace}(?:${inTier}\\.)?${quoted(name, WITHIN)}`;
  });
  return `(?:^|,)[0-9]+\\|(?:${ways.join('|')})\\|`;
}

/** The possible tiers and names of a glob: a name alone, or `tier.name` split at a dot or within a `*`. */
function namings(glob: string): { tier: string; name: string }[] {
  const cuts = [...glob.matchAll(/[.*]/g)].map(({ 0: at, index }) => {
    const wild = at === '*' ? '*' : '';
    return { tier: glob.slice(0, index) + wild, name: wild + glob.slice(index + 1) };
  });
  return [{ tier: '*', name: glob }, ...cuts];
}

/** `*` in a policy's name does not match beyond the name. */
const WITHIN = '[^|,/]*';

function quoted(glob: string, wildcard: string): string {
  return glob
    .split('*')
    .map((part) => RE2JS.quote(part))
    .join(wildcard);
}
