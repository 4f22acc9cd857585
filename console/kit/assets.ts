import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Plugin } from 'vite';

const require = createRequire(import.meta.url);

/** Fonts under the names that the kit's styles load them by. */
const fonts = [
  ['@fontsource/inter/files/inter-latin-400-normal.woff2', 'inter/Inter-Regular.woff2'],
  ['@fontsource/inter/files/inter-latin-500-normal.woff2', 'inter/Inter-Medium.woff2'],
  ['@fontsource/inter/files/inter-latin-400-italic.woff2', 'inter/Inter-Italic.woff2'],
  ['@fontsource/inter/files/inter-latin-500-italic.woff2', 'inter/Inter-MediumItalic.woff2'],
  [
    '@fontsource/roboto-mono/files/roboto-mono-latin-400-normal.woff2',
    'roboto/L0xTDF4xlVMF-BfR8bXMIhJHg45mwgGEFl0_3vrtSM1J-gEPT5Ese6hmHSh0mQ.woff2',
  ],
] as const;

/** Puts Grafana's icons and fonts where its kit looks for them; in Grafana, the server has them there. */
export function kitAssets(): Plugin {
  return {
    name: 'kit-assets',
    generateBundle() {
      const icons = path.join(
        path.dirname(require.resolve('@grafana/ui/package.json')),
        'dist/public/img/icons',
      );
      for (const file of readdirSync(icons, { recursive: true, encoding: 'utf8' })) {
        if (!file.endsWith('.svg')) continue;
        const source = readFileSync(path.join(icons, file));
        this.emitFile({ type: 'asset', fileName: `public/build/img/icons/${file}`, source });
      }
      for (const [from, to] of fonts) {
        this.emitFile({
          type: 'asset',
          fileName: `public/fonts/${to}`,
          source: readFileSync(require.resolve(from)),
        });
      }
    },
  };
}
