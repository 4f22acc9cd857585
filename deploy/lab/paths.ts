import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of this workspace, whether the code runs from its sources or from `dist/`. */
const workspaceDirectory = findUp(path.dirname(fileURLToPath(import.meta.url)), 'package.json');

/** The folder of a definition: a name (`storefront`) is a folder next to this source file, a path is used as is. */
export function definitionDirectory(definition: string): string {
  return path.resolve(workspaceDirectory, 'lab', definition);
}

/** The compiled program that every pod of a lab runs. */
export const workloadProgram = path.join(workspaceDirectory, 'dist/lab/workload/main.js');

function findUp(directory: string, file: string): string {
  if (existsSync(path.join(directory, file))) return directory;
  const parent = path.dirname(directory);
  if (parent === directory) throw new Error(`No ${file} in or above ${import.meta.url}.`);
  return findUp(parent, file);
}
