/** The rows of an answer in the format JSONEachRow: a JSON object a line. */
export function parseJsonRows<Row>(answer: Uint8Array): Row[] {
  const lines = new TextDecoder().decode(answer).trimEnd();
  return lines === '' ? [] : (JSON.parse(`[${lines.replaceAll('\n', ',')}]`) as Row[]);
}
