import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { FieldType } from '@sonde/model/record/field';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = path.join(import.meta.dirname, '../..');
const DECLARATIONS = path.join(ROOT, 'model/flow/fields.ts');
const MARKER = 'export const flowFields = [';

const TYPES: readonly FieldType[] = [
  ...(['time', 'ip', 'uint8', 'uint16', 'uint32', 'uint64', 'boolean', 'enumeration', 'string'] as const),
];

const OPTIONS: ts.CompilerOptions = {
  ...ts.parseJsonConfigFileContent(
    ts.readConfigFile(path.join(ROOT, 'tsconfig.base.json'), (file) => readFileSync(file, 'utf8')).config,
    ts.sys,
    ROOT,
  ).options,
  ...{ composite: false, declaration: false, noEmit: true },
};

/** Parsed once for all programs. */
const sources = new Map<string, ts.SourceFile | undefined>();

/** The compiler's messages for a file, with a field `planted` added to the declarations of the flow record. */
function messages(file: string, origin: 'observed' | 'context', type: FieldType): string {
  const source = readFileSync(DECLARATIONS, 'utf8');
  expect(source).toContain(MARKER);
  const field = `{ name: 'planted', type: '${type}', origin: '${origin}', values: [], description: '' },`;
  const host = ts.createCompilerHost(OPTIONS);
  const parse = host.getSourceFile.bind(host);
  host.getSourceFile = (name, language) => {
    if (path.resolve(name) === DECLARATIONS) {
      return ts.createSourceFile(name, source.replace(MARKER, `${MARKER}\n${field}`), language);
    }
    if (!sources.has(name)) sources.set(name, parse(name, language));
    return sources.get(name);
  };
  const program = ts.createProgram([path.join(ROOT, file)], OPTIONS, host);
  const diagnostics = program.getSemanticDiagnostics(program.getSourceFile(path.join(ROOT, file)));
  return diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')).join('\n');
}

describe('a new field of the flow record is a compile error until it is filled', () => {
  it.each([
    ['observed', 'collector/probe/flow-records.ts'],
    ['context', 'enricher/pipeline/enrich.ts'],
  ] as const)('%s: %s', { timeout: 120_000 }, (origin, file) => {
    for (const type of TYPES) expect(messages(file, origin, type), type).toContain('planted');
  });
});
