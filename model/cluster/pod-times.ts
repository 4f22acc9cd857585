import type { KubernetesObject, Pod } from './objects.js';

/** Phases in which a pod has no address any more, even if its status contains one. */
const FINISHED_PHASES = new Set(['Succeeded', 'Failed']);

/** Times of Kubernetes objects are truncated to seconds. */
const RESOLUTION_MS = 1000;

/** When a pod got its addresses, in ms: not before `fromMs`, and not after `sureMs`. */
export function bindingStart(pod: Pod): { readonly fromMs: number; readonly sureMs: number } {
  // The kubelet sets startTime before the pod gets an address; a sandbox is ready once it has one.
  const fromMs = timeOf(pod.status?.startTime) ?? createdAt(pod);
  const signs = (pod.status?.conditions ?? [])
    .filter(({ type, status }) => type === 'PodReadyToStartContainers' && status === 'True')
    .map(({ lastTransitionTime }) => timeOf(lastTransitionTime));
  for (const { state } of containersOf(pod)) {
    signs.push(timeOf(state?.running?.startedAt), timeOf(state?.terminated?.startedAt));
  }
  const known = signs.filter((sign) => sign !== undefined);
  return { fromMs, sureMs: Math.max(fromMs, known.length > 0 ? Math.min(...known) : fromMs) };
}

/** When the last of a pod's containers ended, in ms; undefined if one runs or the status does not say. */
export function containersEnded(pod: Pod): number | undefined {
  const ends = (pod.status?.containerStatuses ?? []).map(({ state }) =>
    timeOf(state?.terminated?.finishedAt),
  );
  if (ends.length === 0 || ends.includes(undefined)) return undefined;
  return Math.max(...ends.map((end) => end ?? 0)) + RESOLUTION_MS;
}

/** Whether a pod has finished. */
export function isFinished(pod: Pod): boolean {
  return FINISHED_PHASES.has(pod.status?.phase ?? '');
}

/** When an object was created, in ms; 0 if a manifest does not say. */
export function createdAt(object: KubernetesObject): number {
  return timeOf(object.metadata.creationTimestamp) ?? 0;
}

function containersOf({ status }: Pod) {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

function timeOf(text: string | undefined): number | undefined {
  const parsed = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(parsed) ? undefined : parsed;
}
