import type { Connection, Expression, LabelSelector, Labels, Pod, Snapshot } from './snapshot.js';

/** Whether a Kubernetes label selector selects labels, as documented. */
export function labelsMatch(selector: LabelSelector | undefined, labels: Labels): boolean {
  const equal = Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  const expressions = (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    if (operator === 'Exists') return value !== undefined;
    if (operator === 'DoesNotExist') return value === undefined;
    const listed = value !== undefined && values.includes(value);
    return operator === 'In' ? listed : !listed;
  });
  return equal && expressions;
}

/** Whether a Calico selector selects labels. */
export function expressionMatches(expression: Expression, labels: Labels): boolean {
  switch (expression[0]) {
    case 'all':
    case 'global':
      return true;
    case '!':
      return !expressionMatches(expression[1], labels);
    case '&&':
      return expressionMatches(expression[1], labels) && expressionMatches(expression[2], labels);
    case '||':
      return expressionMatches(expression[1], labels) || expressionMatches(expression[2], labels);
    case 'has':
      return labels[expression[1]] !== undefined;
    case 'in':
    case 'not in': {
      const value = labels[expression[1]];
      const listed = value !== undefined && expression[2].includes(value);
      return expression[0] === 'in' ? listed : !listed;
    }
    default:
      return comparisonHolds(expression[0], labels[expression[1]], expression[2]);
  }
}

function comparisonHolds(operator: string, value: string | undefined, wanted: string): boolean {
  if (operator === '!=') return value !== wanted;
  if (value === undefined) return false;
  if (operator === '==') return value === wanted;
  if (operator === 'contains') return value.includes(wanted);
  return operator === 'starts with' ? value.startsWith(wanted) : value.endsWith(wanted);
}

/** Whether an address is in a CIDR prefix, compared bit by bit. */
export function inPrefix(ip: string, cidr: string): boolean {
  const [network = '', length = ''] = cidr.split('/');
  if (ip.includes(':') !== network.includes(':')) return false;
  return bitsOf(ip).slice(0, Number(length)) === bitsOf(network).slice(0, Number(length));
}

function bitsOf(ip: string): string {
  if (!ip.includes(':')) {
    return ip
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  }
  const [head = '', tail = ''] = ip.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail.split(':').filter(Boolean);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right]
    .map((group) => parseInt(group, 16).toString(2).padStart(16, '0'))
    .join('');
}

export function isV6(ip: string): boolean {
  return ip.includes(':');
}

export function ipOf(end: Pod | string): string {
  return typeof end === 'string' ? end : end.ip;
}

export function namespaceLabels(snapshot: Snapshot, namespace: string): Labels {
  const found = snapshot.namespaces.find(({ name }) => name === namespace);
  return { ...found?.labels, 'kubernetes.io/metadata.name': namespace };
}

/** Whether the destination pod has a port of this name with the connection's number. */
export function isNamedPort({ to, protocol, port }: Connection, name: string): boolean {
  return (
    typeof to !== 'string' &&
    to.ports.some((own) => own.name === name && own.protocol === protocol && own.port === port)
  );
}
