import { protocolName } from '@sonde/model/net/protocol';
import type { RuleEvidence, SuggestedManifest } from '@sonde/model/policy/suggest/manifest';
import type { SuggestedPeer } from '@sonde/model/policy/suggest/suggest';
import { Document, isMap, isSeq } from 'yaml';

/** Suggested policies as YAML, with a comment before each rule that describes the observed traffic. */
export function suggestionYaml(manifests: readonly SuggestedManifest[]): string {
  return manifests.map((one) => document(one).toString({ lineWidth: 0 })).join('---\n');
}

function document({ manifest, workload, alsoSelects, rules }: SuggestedManifest): Document {
  const yaml = new Document(manifest);
  const notes = [
    workload === ''
      ? ' Denies everything that no other policy allows.'
      : ` Allows the observed traffic of the workload ${workload}.`,
    ...(alsoSelects.length === 0
      ? []
      : [` Its labels also select other workloads: ${alsoSelects.join(', ')}.`]),
  ];
  yaml.commentBefore = notes.join('\n');
  for (const rule of rules) {
    const list = yaml.getIn(['spec', rule.direction], true);
    const item: unknown = isSeq(list) ? list.items[rule.index] : undefined;
    if (isMap(item)) item.commentBefore = ` ${evidenceText(rule)}`;
  }
  return yaml;
}

/** One line that describes a rule's traffic: peer, amount and time. */
export function evidenceText({ direction, rule }: RuleEvidence): string {
  const { peer, ports, portsWidened, services, evidence } = rule;
  const protocols = [...new Set(ports.map(({ protocol }) => protocolName(protocol)))].join(', ');
  const wider = [
    ...(peer.is !== 'workload' && peer.widened ? ['the prefixes contain more than was seen'] : []),
    ...(portsWidened ? ['the ports contain more than was seen'] : []),
  ];
  const viaServices = services.map(
    ({ name, unseen }) =>
      `to the service ${name}, which selects them${unseen ? ', although none was seen' : ''}`,
  );
  const seen = `${evidence.connections} connections in ${evidence.flows} flows, ${evidence.bytes} bytes`;
  const when = `${new Date(evidence.firstMs).toISOString()} to ${new Date(evidence.lastMs).toISOString()}`;
  const how = [seen, when, ...viaServices, ...wider].join('; ');
  return `${direction === 'ingress' ? 'from' : 'to'} ${peerText(peer)}, ${protocols}: ${how}`;
}

function peerText(peer: SuggestedPeer): string {
  switch (peer.is) {
    case 'workload':
      return `${peer.namespace}/${peer.workload}`;
    case 'networkSet':
      return `network set ${peer.namespace === '' ? '' : `${peer.namespace}/`}${peer.name}`;
    case 'domain':
      return peer.domain;
    case 'addresses':
      return peer.names.length > 0 ? peer.names.slice(0, 5).join(', ') : 'addresses outside';
  }
}
