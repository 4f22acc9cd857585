import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../client/connection.js';
import { EXIT } from '../client/errors.js';
import { profilesFile, saveProfile } from '../client/profiles.js';
import { ok, startStubServer, type StubServer } from '@sonde/test/fixtures/stub-server';
import { gapText } from './gap-text.js';
import { type Gap, liveRecords } from './live-records.js';

let server: StubServer;
let home: string;
let environment: NodeJS.ProcessEnv;
let gaps: Gap[];
let lost: string[];
let stop: AbortController;

beforeEach(async () => {
  server = await startStubServer();
  home = temporaryDirectory('live');
  environment = { XDG_CONFIG_HOME: home };
  [gaps, lost, stop] = [[], [], new AbortController()];
});

afterEach(async () => {
  await server.close();
});

const request = () => ({
  ...{ filter: '', fields: 'dst_port', signal: stop.signal },
  onDropped: () => expect.unreachable(),
  onLost: (reason: string) => lost.push(reason),
  onGap: (gap: Gap) => gaps.push(gap),
});

/** A stream of one record, which then ends. */
const streamOf = (dst_port: number) => ok(`data: {"dst_port":${dst_port}}\n\n`);

describe('a stream that ends', () => {
  it('continues with a renewed token after its token has expired', async () => {
    const renewal = {
      tokenEndpoint: `${server.url}/token`,
      clientId: 'sonde',
      refreshToken: 'r',
      expiresAtMs: 0,
    };
    await saveProfile(profilesFile(environment), 'work', { server: server.url, token: 't0', renewal });
    let tokens = 0;
    let streams = 0;
    server.answer = (asked, _form, { authorization }) => {
      if (asked === 'POST /token') return ok({ id_token: `t${++tokens}`, expires_in: 0 });
      if (authorization !== `Bearer t${streams + 1}`) return { status: 401, body: { detail: 'it expired' } };
      return streamOf(++streams);
    };
    const seen: unknown[] = [];
    for await (const flow of liveRecords(await connect({}, environment), 'flows', request())) {
      if (seen.push(flow) === 3) stop.abort();
    }
    expect(seen).toEqual([{ dst_port: 1 }, { dst_port: 2 }, { dst_port: 3 }]);
    expect(lost).toEqual([]);
  });

  it('reports the gap before the records after it', async () => {
    const begunMs = Date.now();
    let streams = 0;
    server.answer = () => streamOf(++streams);
    const told: number[] = [];
    for await (const { dst_port } of liveRecords(
      await connect({ server: server.url }, environment),
      'flows',
      request(),
    )) {
      told.push(gaps.length);
      if (dst_port === 2) stop.abort();
    }
    expect(told).toEqual([0, 1]);
    const [{ fromMs, toMs } = expect.unreachable()] = gaps;
    expect(begunMs <= fromMs && fromMs <= toMs && toMs <= Date.now()).toBe(true);
  });

  it('is reopened while the server fails, and not once it denies access', async () => {
    const statuses = [200, 503, 200, 403];
    server.answer = () => {
      const status = statuses.shift() ?? 500;
      return status === 200 ? streamOf(status) : { status, body: { detail: 'why' } };
    };
    const seen: unknown[] = [];
    const follow = async () => {
      for await (const flow of liveRecords(
        await connect({ server: server.url }, environment),
        'flows',
        request(),
      ))
        seen.push(flow);
    };
    await expect(follow()).rejects.toMatchObject({ exitCode: EXIT.notAllowed });
    expect([seen.length, gaps.length, lost]).toEqual([2, 1, [expect.stringContaining('failed: why')]]);
  });
});

describe('the text of a gap', () => {
  it('names a time range that contains everything stored meanwhile', () => {
    const fromMs = Date.parse('2026-03-01T12:00:00.250Z');
    expect(gapText('flows', { fromMs, toMs: fromMs + 3250 })).toBe(
      'reconnected after 3.3 s; flows stored meanwhile are not shown. To list them, replace --follow with ' +
        '--since 2026-03-01T11:50:00Z --until 2026-03-01T12:00:04Z --limit 100000',
    );
    expect(gapText('dns', { fromMs, toMs: fromMs })).toContain('lookups stored meanwhile');
  });
});
