import type { FlowRow } from '@sonde/model/flow/records';

export type Color = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'plain';

/** Colors a text, or returns it unchanged without color support. */
export type Paint = (color: Color, text: string) => string;

/** ECMA-48 "select graphic rendition" parameters. */
const CODES: Readonly<Record<Color, string>> = {
  bold: '1',
  dim: '2',
  green: '32',
  red: '31',
  yellow: '33',
  plain: '',
};

/** Colors for a terminal; none for a pipe or if NO_COLOR is set (no-color.org). */
export function paintFor(stream: { readonly isTTY?: boolean }, environment = process.env): Paint {
  const wanted = stream.isTTY === true && !environment['NO_COLOR'];
  return (color, text) => (wanted && color !== 'plain' ? `\x1b[${CODES[color]}m${text}\x1b[0m` : text);
}

/** Green for delivered, red for denied or dropped, yellow for refused or unanswered. */
export function colorOfVerdict({ action, evidence }: Pick<FlowRow, 'action' | 'evidence'>): Color {
  if (action === 'deny' || evidence === 'dropped') return 'red';
  return evidence === 'delivered' ? 'green' : 'yellow';
}
