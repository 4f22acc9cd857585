import './browser-settings.js';
import { createRoot } from 'react-dom/client';
import { Shell } from './shell.js';

const root = document.getElementById('root');
if (!root) throw new Error('the page has no element "root"');
createRoot(root).render(<Shell />);
