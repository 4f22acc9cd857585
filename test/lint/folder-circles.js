import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const SOURCE_FILE = /(?<!\.test|\.d)\.[jt]sx?$/;
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'build', '.work']);
const IMPORT =
  /^\s*(?:import|export)\b[^;'"`]*?\bfrom\s*['"](\.[^'"]+)['"]|\bimport\s*\(?\s*['"](\.[^'"]+)['"]/gm;

/**
 * The imports between the folders of a workspace: for each folder, the folders whose direct files its direct
 * files import. Type-only imports count; unit tests do not.
 *
 * @param {string} workspace absolute path
 * @returns {Map<string, Set<string>>} folders relative to the workspace, `.` for its root
 */
export function folderImports(workspace) {
  const imports = new Map();
  for (const file of sourceFiles(workspace)) {
    const folder = path.dirname(file);
    const targets = imports.get(folder) ?? new Set();
    imports.set(folder, targets);
    for (const [, from, bare] of readFileSync(path.join(workspace, file), 'utf8').matchAll(IMPORT)) {
      const target = path.dirname(path.normalize(path.join(folder, from ?? bare)));
      if (target !== folder && !target.startsWith('..')) targets.add(target);
    }
  }
  return imports;
}

/** The shortest way along imports from one folder to another, both included; undefined if there is none. */
export function importPath(imports, from, to) {
  const ways = [[from]];
  const seen = new Set([from]);
  for (const way of ways) {
    for (const next of imports.get(way.at(-1)) ?? []) {
      if (next === to) return [...way, to];
      if (seen.has(next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return undefined;
}

function sourceFiles(workspace) {
  const files = [];
  const folders = ['.'];
  for (const folder of folders) {
    for (const entry of readdirSync(path.join(workspace, folder), { withFileTypes: true })) {
      const name = path.join(folder, entry.name);
      if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) folders.push(name);
      else if (entry.isFile() && SOURCE_FILE.test(entry.name)) files.push(name);
    }
  }
  return files;
}

const importsOf = new Map();

/**
 * An ESLint rule: the folders of a workspace do not import each other in a circle. A folder and its own
 * sub-folder form a circle too if the direct files of each import the other's.
 */
export const folderCircles = {
  meta: { type: 'problem', docs: { description: 'folders do not import each other in circles' }, schema: [] },
  create(context) {
    const [top, ...rest] = path.relative(context.cwd, context.filename).split(path.sep);
    const workspace = path.join(context.cwd, top);
    if (rest.length === 0 || !SOURCE_FILE.test(context.filename)) return {};
    if (!existsSync(path.join(workspace, 'package.json'))) return {};
    const folder = path.dirname(path.join(...rest));

    function check(node) {
      const source = node.source?.value;
      if (typeof source !== 'string' || !source.startsWith('.')) return;
      const target = path.dirname(path.normalize(path.join(folder, source)));
      if (target === folder || target.startsWith('..')) return;
      if (!importsOf.has(workspace)) importsOf.set(workspace, folderImports(workspace));
      const back = importPath(importsOf.get(workspace), target, folder);
      if (!back) return;
      const circle = [folder, ...back].map((name) => path.join(top, name)).join(' → ');
      context.report({ node, message: `Folders import each other in a circle: ${circle}.` });
    }

    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
    };
  },
};
