import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'build', '.git', '.sonde', '.work']);

/** The modification time of a file in ms; 0 if it does not exist. */
export function modified(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The latest modification time of files below a folder with a matching name; skips built and installed folders. */
export function newestUnder(folder, name) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const entryPath = path.join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED_FOLDERS.has(entry.name)) newest = Math.max(newest, newestUnder(entryPath, name));
    } else if (name.test(entry.name)) {
      newest = Math.max(newest, modified(entryPath));
    }
  }
  return newest;
}
