import type { Rule } from 'eslint';

export function folderImports(workspace: string): Map<string, Set<string>>;
export function importPath(
  imports: ReadonlyMap<string, ReadonlySet<string>>,
  from: string,
  to: string,
): string[] | undefined;
export const folderCircles: Rule.RuleModule;
