import type { Rule } from 'eslint';

export const allowedImports: Readonly<Record<string, readonly string[]>>;
export const importDirection: Rule.RuleModule;
