export const renamedTerms: readonly { readonly pattern: RegExp; readonly instead: string }[];
export function findRenamedTerms(file: string, content: string): string[];
