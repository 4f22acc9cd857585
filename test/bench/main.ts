import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type Benchmark, benchmarks } from './benchmarks.js';
import { figuresTable } from './measure/figures-table.js';

/** `npm run bench -- [NAME…] [--json FILE]`: runs benchmarks, prints a table, and writes the figures to FILE. */
const { values, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true });
const names = positionals.length > 0 ? positionals : Object.keys(benchmarks);
const unknown = names.filter((name) => !(name in benchmarks));
if (unknown.length > 0) {
  console.error(
    `bench: unknown benchmark ${unknown.join(', ')}; available: ${Object.keys(benchmarks).join(', ')}`,
  );
  process.exit(2);
}

const figures: Record<string, number> = {};
for (const name of names) {
  console.error(`bench: ${name} …`);
  const benchmark: Benchmark | undefined = benchmarks[name];
  Object.assign(figures, await benchmark?.());
}
console.log(figuresTable(figures));
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
