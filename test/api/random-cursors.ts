/** A request with further pages, and the cursor of the next one. */
export interface GivenCursor {
  readonly path: string;
  readonly target: string;
  readonly cursor: string;
}

/** Values for positions in cursors, at the bounds of their types and beyond. */
const VALUES: readonly unknown[] = [
  ...[
    0,
    1,
    -1,
    255,
    256,
    65_535,
    65_536,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 32 * 1000 - 1,
    2 ** 53 - 1,
    1.5,
    null,
    true,
  ],
  ...[
    '0',
    '18446744073709551615',
    '18446744073709551616',
    '-1',
    '1e3',
    '',
    'x',
    '\u0000',
    "'",
    '\\',
    'a'.repeat(2000),
  ],
  ...[
    '2026-03-01 00:00:00.000',
    '1970-01-01 00:00:00.000',
    '2106-02-07 06:28:15.999',
    '2106-02-07 06:28:16.000',
  ],
  ...['2026-02-30 00:00:00.000', '9999-12-31 23:59:59.999', '2026-03-01T00:00:00Z'],
  ...[
    '::',
    '::ffff:10.0.0.1',
    '10.0.0.1',
    'fe80::1%eth0',
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    [],
    {},
    [0],
  ],
];

/** A cursor with some of its decoded values replaced, removed or added. `pick` chooses a random element. */
export function changedCursor(cursor: string, pick: <Item>(items: readonly Item[]) => Item): string {
  const content = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
  for (let changes = pick([0, 1, 1, 1, 2, 3]); changes > 0; changes--) {
    const at = pick([...content.keys()]);
    const between = pick([0, 0, 0, 0, 0, 0, 0, 1, 2]);
    if (between === 0) content[at] = pick(VALUES);
    else if (between === 1) content.splice(at, 1);
    else content.splice(at, 0, pick(VALUES));
  }
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}
