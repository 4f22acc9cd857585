import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { objectKey } from '@sonde/model/cluster/objects';
import { PolicyObjects, type ServiceBackends } from '@sonde/model/policy/manifests/policy-objects';
import type { PolicyEvaluator } from '@sonde/model/policy/evaluator';
import type { FieldProblem } from '@sonde/model/policy/resources/fields';
import { PolicyChanges } from './policy-changes.js';
import { unsupportedPolicyKind } from '../watch/unsupported-policies.js';

/** The policies of a cluster, which may change between blocks. */
export interface PolicyContext {
  readonly evaluator: PolicyEvaluator;
  /** Services by virtual address, as text. */
  readonly servicesByAddress: ReadonlyMap<string, ServiceBackends>;
  /** Kinds whose objects are not part of verdicts although they should be; with any, verdicts are unknown. */
  readonly unevaluatedKinds: readonly UnevaluatedKind[];
  /** When the policies last changed. */
  readonly changes: PolicyChanges;
  /** Must be called before policies are evaluated for a block of flows. */
  prepare(): void;
}

/** A kind whose objects are not part of verdicts, and why. */
export interface UnevaluatedKind {
  /** For example `NetworkPolicy.crd.antrea.io`, or `networkpolicies.networking.k8s.io` if it is unread. */
  readonly kind: string;
  /** `unsupported`: Sonde does not evaluate the kind. `unread`: its objects could not be listed, or not yet. */
  readonly reason: 'unsupported' | 'unread';
}

/** The policies of a cluster and the objects that they depend on, kept up to date by `apply` and `remove`. */
export class LivePolicies implements PolicyContext {
  readonly #objects = new PolicyObjects();
  readonly evaluator = this.#objects.evaluator;
  readonly servicesByAddress = this.#objects.servicesByAddress;
  readonly changes = new PolicyChanges();
  /** Kinds of the unsupported policies, by object key. */
  readonly #unsupported = new Map<string, string>();
  readonly #unread = new Set<string>();

  get unevaluatedKinds(): readonly UnevaluatedKind[] {
    const unsupported = new Set(this.#unsupported.values());
    return [
      ...[...unsupported].map((kind) => ({ kind, reason: 'unsupported' }) as const),
      ...[...this.#unread].map((kind) => ({ kind, reason: 'unread' }) as const),
    ];
  }

  /** Adds an object, or replaces its former version; returns the problems because of which it is ignored. */
  apply(object: KubernetesObject): readonly FieldProblem[] {
    const unsupported = unsupportedPolicyKind(object);
    if (unsupported === undefined) {
      this.changes.apply(object);
      return this.#objects.apply(object);
    }
    this.#unsupported.set(objectKey(object), unsupported);
    return [];
  }

  /** Must be called before policies are evaluated for a block of flows. */
  prepare(): void {
    this.#objects.selectBackends();
  }

  /** Removes an object that was gone by `atMs`, if it exists. */
  remove(object: KubernetesObject, atMs: number): void {
    if (this.#unsupported.delete(objectKey(object))) return;
    this.changes.remove(object, atMs);
    this.#objects.remove(object);
  }

  /** Sets whether the objects of a kind are known, for example of `networkpolicies.networking.k8s.io`. */
  setRead(kind: string, isRead: boolean): void {
    if (isRead) this.#unread.delete(kind);
    else this.#unread.add(kind);
  }
}
