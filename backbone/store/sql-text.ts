/** A text as SQL has it, for the places where no parameter can stand. */
export function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
}
