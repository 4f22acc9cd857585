import { PROFILE_TIER, TRACE_KINDS, type TraceAction, type TraceEntry, type TraceKind } from './entry.js';

/** A text that is not a trace entry in any known form. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
  constructor(
    readonly text: string,
    reason: string,
  ) {
    super(`"${text}" is not a trace entry: ${reason}`);
  }
}

type Named = Pick<TraceEntry, 'kind' | 'namespace' | 'name'>;

const ENTRY = /^(\d+)\|([^|]+)\|([^|]+)\|(allow|deny|pass|unknown)\|(-?\d+)$/;

/** Kinds that older forms put before the tier of policies of other APIs. */
const KIND_PREFIX =
  /^(knp|kcnp|kanp|kbanp)\.(?:default|kube-admin|kube-baseline|adminnetworkpolicy|baselineadminnetworkpolicy)\.(.+)$/;

/**
 * Reads an entry `index|tier|policy|action|rule` of any of Calico's three forms, which differ in the policy:
 * - since 3.32: `kind:namespace/name` or `kind:name`;
 * - 3.30 and 3.31: `namespace/tier.name`, staged `namespace/tier.staged:name`; Kubernetes'
 *   `namespace/knp.default.name`, staged `namespace/staged:knp.default.name`; profiles `__PROFILE__.kns.name`;
 * - Calico Enterprise documentation: as before, but staged `namespace/staged:tier.name`.
 * @throws TraceError if the text has none of these forms.
 */
export function readEntry(text: string): TraceEntry {
  const [, index = '', tier = '', policy = '', action = '', rule = ''] = ENTRY.exec(text) ?? [];
  if (index === '') throw new TraceError(text, 'it is not of the form index|tier|policy|action|rule');
  const named = newest(policy, tier) ?? (tier === PROFILE_TIER ? profile(policy) : older(policy, tier));
  if (named.name === '') throw new TraceError(text, 'it has no policy name');
  return { index: Number(index), tier, ...named, action: action as TraceAction, rule: Number(rule) };
}

/** Reads the entries of a trace, which Calico stores in any order, and sorts them by evaluation. */
export function readTrace(texts: readonly string[]): TraceEntry[] {
  return texts.map(readEntry).sort((a, b) => a.index - b.index);
}

function newest(policy: string, tier: string): Named | undefined {
  const [, kind = '', rest = ''] = /^([a-z]+):(.+)$/.exec(policy) ?? [];
  if (!isKind(kind)) return undefined;
  const [namespace, name] = split(rest);
  return { kind, namespace, name: withoutTier(name, tier) };
}

function profile(policy: string): Named {
  const prefix = `${PROFILE_TIER}.`;
  return {
    kind: 'pro',
    namespace: '',
    name: policy.startsWith(prefix) ? policy.slice(prefix.length) : policy,
  };
}

function older(policy: string, tier: string): Named {
  const [namespace, full] = split(policy);
  const staged = full.startsWith('staged:') || full.startsWith(`${tier}.staged:`);
  const bare = full.replace(`${tier}.staged:`, '').replace(/^staged:/, '');
  const [, kind = '', name = ''] = KIND_PREFIX.exec(bare) ?? [];
  if (isKind(kind)) return { kind: staged && kind === 'knp' ? 'sknp' : kind, namespace, name };
  const own = namespace === '' ? 'gnp' : 'np';
  return { kind: staged ? `s${own}` : own, namespace, name: withoutTier(bare, tier) };
}

function split(text: string): [namespace: string, name: string] {
  const slash = text.indexOf('/');
  return slash < 0 ? ['', text] : [text.slice(0, slash), text.slice(slash + 1)];
}

function withoutTier(name: string, tier: string): string {
  return name.startsWith(`${tier}.`) ? name.slice(tier.length + 1) : name;
}

function isKind(text: string): text is TraceKind {
  return Object.hasOwn(TRACE_KINDS, text);
}
