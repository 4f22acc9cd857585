import { type Document, isCollection, isMap, isScalar, type Node, visit } from 'yaml';

/** Maximum number of aliases (`*a`) of a document. Texts with more are meant to exhaust the reader. */
const MAX_ALIASES = 100;

/** A problem of a document and its position in the text, in characters from 0. */
export interface NonJsonProblem {
  readonly offset: number;
  readonly reason: string;
}

/**
 * Finds YAML that JSON cannot express: keys that are not strings or occur twice, values that contain themselves, and too
 * many aliases. Visits the document once, without expanding aliases.
 */
export function findNonJson(document: Document.Parsed): NonJsonProblem | undefined {
  let found: NonJsonProblem | undefined;
  let aliases = 0;
  const anchors = new Map<string, Node>();
  const report = (node: Node, reason: string) => {
    found = { offset: node.range?.[0] ?? 0, reason };
    return visit.BREAK;
  };
  visit(document, {
    Pair: (_key, { key }) => (isCollection(key) ? report(key, 'a key is a list or an object') : undefined),
    Value: (_key, node) => {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
      const twice = isMap(node) ? findDuplicateKey(node.items) : undefined;
      return twice ? report(twice.node, `the key "${twice.key}" occurs twice`) : undefined;
    },
    Alias: (_key, alias, path) => {
      if (++aliases > MAX_ALIASES) {
        return report(alias, `there are more than ${MAX_ALIASES} aliases, of which this is *${alias.source}`);
      }
      // An alias refers to the last value before it with the anchor.
      const target = anchors.get(alias.source);
      return target && path.includes(target)
        ? report(alias, `*${alias.source} stands within what it stands for`)
        : undefined;
    },
  });
  return found;
}

function findDuplicateKey(
  items: readonly { readonly key: unknown }[],
): { readonly node: Node; readonly key: string } | undefined {
  const keys = new Set<string>();
  for (const { key: node } of items) {
    if (!isScalar(node)) continue;
    const key = String(node.value);
    if (keys.has(key)) return { node, key };
    keys.add(key);
  }
  return undefined;
}
