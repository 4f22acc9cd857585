import { RE2JS } from 're2js';

/** Most characters of a pattern. */
export const MAX_PATTERN_CHARACTERS = 1000;

/**
 * Most steps of a compiled pattern. The engine refuses what takes it more than 8 MiB (RE2's `max_mem`), and a step can
 * stand for a class of letters, which is some hundred steps of bytes there.
 */
export const MAX_PATTERN_STEPS = 300;

/**
 * The RE2 pattern of domain names in which `*` stands for one or more characters, dots too. Names are kept in lower
 * case without the final dot, so the pattern is put into that form.
 */
export function domainPattern(glob: string): string {
  return `^${quoted(glob.toLowerCase().replace(/\.$/, ''), '.+')}$`;
}

/**
 * The RE2 pattern of traces, lists of `index|tier|kind:namespace/name|action|rule`, with a step whose policy is so
 * named: the glob means a policy's `name`, `namespace/name`, `tier.name` or `namespace/tier.name`, and `*` in it any
 * characters, none too. Where a policy's own name begins with its tier's, the tier is said once.
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

/** The tiers and names that a glob can mean: a name alone, or `tier.name` cut at a dot or within a `*`. */
function namings(glob: string): { tier: string; name: string }[] {
  const cuts = [...glob.matchAll(/[.*]/g)].map(({ 0: at, index }) => {
    const wild = at === '*' ? '*' : '';
    return { tier: glob.slice(0, index) + wild, name: wild + glob.slice(index + 1) };
  });
  return [{ tier: '*', name: glob }, ...cuts];
}

/** What `*` is in a policy's name: it does not go beyond the name. */
const WITHIN = '[^|,/]*';

function quoted(glob: string, wildcard: string): string {
  return glob
    .split('*')
    .map((part) => RE2JS.quote(part))
    .join(wildcard);
}
