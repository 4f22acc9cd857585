import { defineConfig } from 'vitest/config';

/** Runs the tests of all workspaces, closing on one line that counts them. */
export default defineConfig({
  test: {
    projects: ['*/vitest.config.ts'],
    reporters: ['default', './test/reporter/closing-line.ts'],
    maxWorkers: 2,
  },
});
