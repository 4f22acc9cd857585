import { readSteps } from '../policies/trace.js';
import type { Evaluated } from './evaluated.js';

/** The smallest policy that would allow a denied connection, as YAML to preview and edit. */
export function allowManifest(evaluated: Evaluated, isCalico: boolean): string {
  const [client] = evaluated.ends.from;
  const [server] = evaluated.ends.to;
  const isIngress = evaluated.ingress.verdict === 'deny';
  const own = isIngress ? server : client;
  const peer = isIngress ? client : server;
  const deny = readSteps(isIngress ? evaluated.ingress.trace : evaluated.egress.trace).find(
    ({ action }) => action === 'deny',
  );
  const labels = labelsOf(own?.labels ?? '');
  const peerLabels = labelsOf(peer?.labels ?? '');
  const selector = (pairs: readonly (readonly [string, string])[]) =>
    pairs.map(([key, value]) => `${key} == '${value}'`).join(' && ') || 'all()';
  if (isCalico && deny) {
    return [
      'apiVersion: projectcalico.org/v3',
      'kind: NetworkPolicy',
      `metadata: {name: ${deny.tier}.allow-example, namespace: ${own?.namespace ?? 'default'}}`,
      'spec:',
      `  tier: ${deny.tier}`,
      '  order: 1',
      `  selector: "${selector(labels)}"`,
      `  types: [${isIngress ? 'Ingress' : 'Egress'}]`,
      `  ${isIngress ? 'ingress' : 'egress'}:`,
      '    - action: Allow',
      `      ${isIngress ? 'source' : 'destination'}:`,
      `        namespaceSelector: "kubernetes.io/metadata.name == '${peer?.namespace ?? ''}'"`,
      `        selector: "${selector(peerLabels)}"`,
      '',
    ].join('\n');
  }
  const matchLabels = (pairs: readonly (readonly [string, string])[]) =>
    `{matchLabels: {${pairs.map(([key, value]) => `${key}: "${value}"`).join(', ')}}}`;
  return [
    'apiVersion: networking.k8s.io/v1',
    'kind: NetworkPolicy',
    `metadata: {name: allow-example, namespace: ${own?.namespace ?? 'default'}}`,
    'spec:',
    `  podSelector: ${matchLabels(labels)}`,
    `  policyTypes: [${isIngress ? 'Ingress' : 'Egress'}]`,
    `  ${isIngress ? 'ingress' : 'egress'}:`,
    `    - ${isIngress ? 'from' : 'to'}:`,
    `        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ${peer?.namespace ?? ''}}}`,
    `          podSelector: ${matchLabels(peerLabels)}`,
    '',
  ].join('\n');
}

function labelsOf(text: string): (readonly [string, string])[] {
  return text
    .split(',')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split(/=(.*)/s) as [string, string])
    .map(([key, value]) => [key, value] as const);
}
