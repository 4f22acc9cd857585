import type { FastifyInstance } from 'fastify';
import { Problem } from './problem.js';

/** Maximum nesting of arrays and objects: more than any manifest has, less than exhausts the stack. */
const MAX_DEPTH = 64;

/** Accepts JSON bodies only, and rejects those that are nested too deep before they are parsed. */
export function acceptJsonBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString();
    if (depthOf(text) > MAX_DEPTH) {
      const detail = `the body nests arrays and objects more than ${MAX_DEPTH} levels deep`;
      done(new Problem('SONDE_MALFORMED_REQUEST', detail));
      return;
    }
    void parse(request, text, done);
  });
}

/** How deep arrays and objects are nested in a JSON text; any number if the text is not JSON. */
function depthOf(text: string): number {
  let deepest = 0;
  let current = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '[' || character === '{') deepest = Math.max(deepest, ++current);
    else if (character === ']' || character === '}') current--;
  }
  return deepest;
}
