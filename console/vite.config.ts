import { defineConfig } from 'vite';
import { kitAssets } from './kit/assets.js';

/** The API of `sonde up`, for `npm run dev`. */
const api = {
  target: 'http://127.0.0.1:4180',
  changeOrigin: true,
  headers: { origin: 'http://127.0.0.1:4180' },
};

/** Builds the standalone console to where the query API serves it from. */
export default defineConfig({
  plugins: [kitAssets()],
  esbuild: { jsx: 'automatic' },
  build: {
    outDir: '../query-api/dist/pages',
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: true,
    chunkSizeWarningLimit: 1500,
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': api } },
});
