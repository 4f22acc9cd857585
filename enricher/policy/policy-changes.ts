import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { createdAt } from '@sonde/model/cluster/pod-times';
import { changedAtMs } from '@sonde/model/policy/history/object-version';
import { tracePrefixOf } from '@sonde/model/policy/read-object';
import { END_OF_TIER } from '@sonde/model/policy/trace/entry';

/** When the policies of a cluster last changed, as far as the objects and deletions say. */
export class PolicyChanges {
  /** In ms since 1970, by tier and policy as in traces. */
  readonly #changedMs = new Map<string, number>();
  /** Time of the latest deletion of a policy in ms since 1970, by tier. */
  readonly #deletedMs = new Map<string, number>();
  #count = 0;

  /** Increases with every change. */
  get count(): number {
    return this.#count;
  }

  /** Records a new or changed object; objects other than policies are ignored. */
  apply(object: KubernetesObject): void {
    const policy = tracePrefixOf(object);
    if (policy === undefined) return;
    this.#changedMs.set(policy, changedAtMs(object) ?? createdAt(object));
    this.#count++;
  }

  /** Records that an object was deleted by `atMs`; objects other than policies are ignored. */
  remove(object: KubernetesObject, atMs: number): void {
    // A deletion may tell no more than the name.
    const policy = tracePrefixOf(object);
    if (policy === undefined || !this.#changedMs.delete(policy)) return;
    const [tier = ''] = policy.split('|');
    this.#deletedMs.set(tier, Math.max(atMs, this.#deletedMs.get(tier) ?? 0));
    this.#count++;
  }

  /**
   * Time of the latest change of the policies of a trace (comma-separated entries), in ms since 1970; 0 if unknown. The end
   * of a tier also depends on the policies that were deleted from the tier.
   */
  latestOf(trace: string): number {
    return trace.split(',').reduce((latest, entry) => {
      const [, tier = '', policy = '', , rule] = entry.split('|');
      const deletedMs = Number(rule) === END_OF_TIER ? (this.#deletedMs.get(tier) ?? 0) : 0;
      return Math.max(latest, deletedMs, this.#changedMs.get(`${tier}|${policy}`) ?? 0);
    }, 0);
  }
}
