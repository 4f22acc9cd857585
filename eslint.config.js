import js from '@eslint/js';
import globals from 'globals';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';
import { folderCircles } from './test/lint/folder-circles.js';
import { importDirection } from './test/lint/import-direction.js';

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', 'bpf-probe/build/**', '.sonde/**', 'test/.work/**'] },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
    },
  },
  {
    // Configuration files at the root stand outside the project references.
    files: ['*.ts', '*/vitest.config.ts'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parserOptions: { projectService: false } },
  },
  {
    files: ['console/**/*.tsx', 'console/**/*.ts'],
    extends: [reactHooks.configs.flat.recommended],
    languageOptions: { globals: globals.browser },
    // The table's virtualizer cannot be memoized by a compiler, which is not used.
    rules: { 'react-hooks/incompatible-library': 'off' },
  },
  {
    files: ['**/*.js', '**/*.mjs'],
    languageOptions: {
      globals: globals.node,
    },
  },
  {
    plugins: { sonde: { rules: { 'folder-circles': folderCircles, 'import-direction': importDirection } } },
    rules: { 'sonde/folder-circles': 'error', 'sonde/import-direction': 'error' },
  },
);
