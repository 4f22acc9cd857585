import { defineConfig } from 'vitest/config';

/**
 * The vitest settings of every workspace. Imports between workspaces resolve to TypeScript sources, so tests
 * need no build; each file runs in a process of its own because chDB holds one engine a process.
 * `module` is not among the conditions: packages publish under it what only bundlers can load.
 */
export default defineConfig({
  ssr: { resolve: { conditions: ['sonde-source', 'node', 'development|production'] } },
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
