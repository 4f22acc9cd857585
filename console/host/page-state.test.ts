import { expect, it } from 'vitest';
import { readPageState, writePageState } from './page-state.js';

it('reads back what it writes', () => {
  const search = writePageState(new URLSearchParams(), {
    range: { from: '-1h', to: 'now' },
    zone: 'Europe/Berlin',
    filter: 'src.name == "a&b" && action == "deny"',
    values: { selected: 'namespace/a namespace/b' },
  });
  const state = readPageState(new URLSearchParams(search.toString()));
  expect(state).toMatchObject({
    range: { from: '-1h', to: 'now' },
    zone: 'Europe/Berlin',
    filter: 'src.name == "a&b" && action == "deny"',
  });
  expect(state.value('selected')).toBe('namespace/a namespace/b');
});

it('leaves defaults out of the URL', () => {
  const search = writePageState(new URLSearchParams('from=-1h&filter=x&live=on'), {
    range: { from: '-15m', to: 'now' },
    filter: '',
    values: { live: undefined },
  });
  expect(search.toString()).toBe('');
});
