import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const PASSED_OVER = new Set(['node_modules', 'dist', 'build', '.git', '.sonde', '.work']);

/** When a file was last modified, in ms; 0 if there is none. */
export function modified(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** When the newest file below a folder whose name matches was modified; built and installed folders apart. */
export function newestUnder(folder, name) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const entryPath = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!PASSED_OVER.has(entry.name)) newest = Math.max(newest, newestUnder(entryPath, name));
    } else if (name.test(entry.name)) {
      newest = Math.max(newest, modified(entryPath));
    }
  }
  return newest;
}
