import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { useTemporaryStore } from '@sonde/test/fixtures/temporary-store';
import { StoreError } from '../store.js';

const NOON = Date.parse('2026-03-01T12:00:00.000Z');

const temporary = useTemporaryStore();
const { insert } = temporary;

describe('queries of an embedded store', () => {
  it('never parse the values of parameters as SQL', async () => {
    const nasty = `'; DROP TABLE flows; -- \\' {x:String} \n\t\u0000 é 日`;
    const rows = await temporary.store.query('SELECT {value:String} AS value, {list:Array(String)} AS list', {
      value: nasty,
      list: [nasty, ''],
    });
    expect(rows).toEqual([{ value: nasty, list: [nasty, ''] }]);
  });

  it('apply settings only to their own query', async () => {
    const limited = { settings: { max_result_rows: 10, max_execution_time: 7 } };
    const sql = "SELECT getSetting('max_execution_time') AS seconds FROM numbers(5)";
    expect(await temporary.store.query(sql, {}, limited)).toHaveLength(5);
    await expect(temporary.store.query('SELECT * FROM numbers(11)', {}, limited)).rejects.toMatchObject({
      engineCode: 396,
    });
    expect(await temporary.store.query(`${sql} LIMIT 1`)).toEqual([{ seconds: 0 }]);
  });

  it('continue after an unknown setting', async () => {
    const unknown = { settings: { no_such_setting: 1 } };
    await expect(temporary.store.query('SELECT 1 AS one', {}, unknown)).rejects.toMatchObject({
      engineCode: 115,
    });
    expect(await temporary.store.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('are stopped in the engine when they are aborted', async () => {
    const endless =
      'SELECT count() FROM numbers(1000000000000) WHERE number % 7 = 3 SETTINGS max_threads = 1';
    const caller = new AbortController();
    const query = temporary.store.query(endless, {}, { signal: caller.signal });
    const running = "SELECT count() AS queries FROM system.processes WHERE query LIKE '%1000000000000%7%'";
    await expect.poll(() => temporary.store.query(running)).toEqual([{ queries: '2' }]);
    caller.abort(new Error('gone'));
    await expect(query).rejects.toThrow('gone');
    expect(await temporary.store.query(running)).toEqual([{ queries: '1' }]);
  });

  it('do not block files and inserts, even if more are slow than can run', async () => {
    const caller = new AbortController();
    const slow = Array.from({ length: 8 }, () =>
      temporary.store.query(
        'SELECT count() FROM numbers(1000000000000) WHERE number % 7 = 3',
        {},
        { signal: caller.signal },
      ),
    );
    const ended = Promise.allSettled(slow);
    await readFile(import.meta.filename);
    await insert({ start_time: NOON });
    caller.abort(new Error('left'));
    for (const { status } of await ended) expect(status).toBe('rejected');
    expect(await temporary.store.query('SELECT count() AS flows FROM flows')).toEqual([{ flows: '1' }]);
  }, 60_000);

  it('with parameters run while another with parameters runs and can be aborted', async () => {
    const caller = new AbortController();
    const slow = temporary.store.query(
      'SELECT count() FROM numbers(1000000000000) WHERE number % {divisor:UInt64} = 3',
      { divisor: 7n },
      { signal: caller.signal },
    );
    expect(await temporary.store.query('SELECT {a:String} AS a', { a: 'quick' })).toEqual([{ a: 'quick' }]);
    caller.abort(new Error('left'));
    await expect(slow).rejects.toThrow('left');
  });

  it('that run concurrently each use their own parameters', async () => {
    const asked = Array.from({ length: 200 }, (_, number) => ({
      text: `text ${number}`,
      list: [`${number}`],
    }));
    const answers = await Promise.all(
      asked.map((one) =>
        temporary.store.query('SELECT {text:String} AS text, {list:Array(String)} AS list', one),
      ),
    );
    expect(answers).toEqual(asked.map((one) => [one]));
  });

  it('return parameters unchanged, whatever they contain', async () => {
    const texts = [
      ...['', "it's", 'C:\\new', '\\N', "\\'", '\t\n\r\b\f\0', '日本 ünï', '{other:String}', 'NULL', '[1]'],
      "', readonly = 0, param_other = '",
    ];
    for (const text of texts) {
      const given = { text, list: [text, text] };
      const sql = 'SELECT {text:String} AS text, {list:Array(String)} AS list';
      expect(await temporary.store.query(sql, given)).toEqual([given]);
    }
    const numbers = { whole: [1, 2n ** 64n - 1n], part: 0.95, negative: -5n, is: true };
    const sql =
      'SELECT {whole:Array(UInt64)} AS whole, {part:Float64} AS part, {negative:Int64} AS negative, {is:Bool} AS is';
    expect(await temporary.store.query(sql, numbers)).toEqual([
      { whole: ['1', '18446744073709551615'], part: 0.95, negative: '-5', is: true },
    ]);
    const many = Array.from({ length: 100_000 }, (_, number) => `value ${number}`);
    expect(await temporary.store.query('SELECT length({many:Array(String)}) AS count', { many })).toEqual([
      { count: '100000' },
    ]);
  });

  it('fail if a parameter has no value, whatever earlier queries set', async () => {
    await temporary.store.query('SELECT {a:String} AS a', { a: 'x' });
    await expect(temporary.store.query('SELECT {a:String} AS a')).rejects.toThrow(
      'the parameter a has no value',
    );
  });

  it('can be streamed in another format', async () => {
    const stream = await temporary.store.queryStream(
      'SELECT {a:String} AS a, 1 AS b',
      { a: 'x' },
      'CSVWithNames',
    );
    expect(await text(stream)).toBe('"a","b"\n"x",1\n');
    await expect(temporary.store.queryStream('SELECT nothing', {}, 'ArrowStream')).rejects.toMatchObject({
      engineCode: 47,
    });
  });

  it.each(['DROP TABLE flows', 'TRUNCATE TABLE flows', "INSERT INTO migrations SELECT 9, '', now()"])(
    'reads only: %s is refused',
    async (sql) => {
      await expect(temporary.store.query(sql)).rejects.toMatchObject({ name: 'StoreError', engineCode: 164 });
    },
  );

  it("fail with the engine's message and error code", async () => {
    const error = await temporary.store.query('SELECT nothing FROM nowhere').catch((error: unknown) => error);
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ engineCode: 60, message: expect.stringContaining('nowhere') as string });
  });
});
