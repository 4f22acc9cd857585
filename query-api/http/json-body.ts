import type { FastifyInstance } from 'fastify';
import { Problem } from './problem.js';

/** How deep lists and objects may lie in each other: more than any manifest has, less than exhausts a stack. */
const DEEPEST = 64;

/** Has the server take JSON bodies and no others, and refuse those nested too deep before anybody looks into them. */
export function acceptJsonBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const parse = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const text = body.toString();
    if (depth(text) > DEEPEST) {
      done(new Problem(400, `the body nests lists and objects more than ${DEEPEST} deep`));
      return;
    }
    void parse(request, text, done);
  });
}

/** How deep lists and objects lie in each other, in a JSON text; of what is none, something. */
function depth(text: string): number {
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
