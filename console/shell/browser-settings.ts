import { config } from 'zod';

declare global {
  interface Window {
    /** Where Grafana's kit loads its icons and fonts from. */
    __grafana_public_path__?: string;
  }
}

window.__grafana_public_path__ = '/public/';
// The kit's schema library would otherwise try whether it may compile code, which the page's security policy forbids.
config({ jitless: true });
