import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { profilesFile, saveProfile } from './client/profiles.js';
import { ok, startStubServer, type StubServer } from '@sonde/test/fixtures/stub-server';

const program = fileURLToPath(new URL('dist/sonde.js', import.meta.url));

let server: StubServer;
let home: string;

beforeEach(async () => {
  server = await startStubServer();
  home = temporaryDirectory('exit');
});

afterEach(async () => {
  await server.close();
});

interface Ending {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs the program to its end, with the small server as the one to ask. */
async function sonde(...words: readonly string[]): Promise<Ending> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('SONDE_'));
  const env = { ...Object.fromEntries(own), XDG_CONFIG_HOME: home, SONDE_SERVER: server.url };
  const command = spawn(process.execPath, [program, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors] = [text(command.stdout), text(command.stderr)];
  const [code] = (await once(command, 'close')) as [number | null];
  return { code, output: await output, errors: await errors };
}

describe('sonde ends', () => {
  it('with 0 when it has answered, with the answer on standard output alone', async () => {
    server.answer = () => ok({ values: ['shop'], truncated: false });
    expect(await sonde('fields', 'src.namespace')).toEqual({ code: 0, output: 'shop\n', errors: '' });
  });

  it.each([
    [['top', 'nonsense'], /Allowed choices are/],
    [['fields', '--profile', 'nobody'], /no profile "nobody"/],
    [['policy', 'evaluate'], /FROM TO PORT/],
  ])('with 1 when it was called wrongly: %o', async (words, message) => {
    const { code, output, errors } = await sonde(...words);
    expect([code, output]).toEqual([1, '']);
    expect(errors).toMatch(message);
  });

  it('with 3 when the server cannot be reached', async () => {
    await server.close();
    const { code, errors } = await sonde('top');
    expect([code, errors]).toEqual([3, expect.stringMatching(/^sonde: cannot reach /)]);
    server = await startStubServer();
  });

  it.each([
    [401, 4, /requires a login \(why\)/],
    [403, 4, /denies access: why/],
    [404, 5, /refused: why/],
    [503, 6, /failed: why/],
  ])('when the server answers %i with %i', async (status, expected, message) => {
    server.answer = () => ({ status, body: { detail: 'why' } });
    const { code, output, errors } = await sonde('observe');
    expect([code, output]).toEqual([expected, '']);
    expect(errors).toMatch(message);
  });

  it('with 4 when a login has expired for good', async () => {
    const renewal = {
      tokenEndpoint: `${server.url}/token`,
      clientId: 'sonde',
      refreshToken: 'r',
      expiresAtMs: 0,
    };
    const file = profilesFile({ XDG_CONFIG_HOME: home });
    await saveProfile(file, 'work', { server: server.url, token: 't', renewal });
    server.answer = () => ({ status: 400, body: { error: 'invalid_grant' } });
    const { code, errors } = await sonde('graph');
    expect([code, errors]).toEqual([4, expect.stringContaining('`sonde login`')]);
  });

  it.each([
    ['deny', ['--exit-code'], 10],
    ['deny', [], 0],
    ['allow', ['--exit-code'], 0],
  ])(
    'where a connection is evaluated with "%s", called with %o, with %i',
    async (verdict, flags, expected) => {
      const side = { verdict, trace: [] };
      const evaluated = { verdict, egress: side, ingress: side, pending: side, notes: [] };
      server.answer = () =>
        ok({ connections: [{ from: 'a/b', to: 'a/c', protocol: 'TCP', port: 80, ...evaluated }] });
      const { code, output, errors } = await sonde('policy', 'evaluate', 'a/b', 'a/c', '80', ...flags);
      expect([code, errors]).toEqual([expected, '']);
      expect(output).toContain(`TCP 80: ${verdict}`);
    },
  );

  it.each([
    [1, ['--exit-code'], 10],
    [1, [], 0],
    [0, ['--exit-code'], 0],
  ])('where %i kinds of flows would change, called with %o, with %i', async (changed, flags, expected) => {
    const summary = [{ before: 'allow', after: 'deny', flows: 1, connections: 1, bytes: 1 }].slice(
      0,
      changed,
    );
    server.answer = () => ok({ flows: 2, summary, changes: [], more: 0, notEvaluated: [] });
    const { code, output, errors } = await sonde('policy', 'preview', '--staged', ...flags);
    expect([code, errors]).toEqual([expected, '']);
    expect(output).toMatch(changed === 0 ? /^No verdict/ : /allow → deny/);
  });
});
