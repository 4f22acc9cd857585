import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Command } from 'commander';
import { ApiClient } from '../client/api-client.js';
import { LOCAL_SERVER, type ServerOptions, withServer } from '../client/connection.js';
import { withExamples } from '../help/help.js';
import { refusePlainHttp } from '../client/plain-http.js';
import { type Profile, profilesFile, readProfiles, saveProfile } from '../client/profiles.js';
import { logInByDevice } from './device-flow.js';
import { type Identity, namespacesText } from './identity.js';
import { printable } from '../table/printable.js';
import { tell } from '../table/tell.js';

/** How to get a token for a server (`GET /api/v1/login`). */
interface LoginWays {
  readonly required: boolean;
  readonly openIdProviders: readonly { readonly issuer: string; readonly clientId?: string }[];
  readonly staticTokens: boolean;
  readonly kubernetes: boolean;
}

/** `sonde login`: gets a token, checks it with the server and saves both as a profile. */
export function loginCommand(): Command {
  const command = new Command('login')
    .description('Log in to a server and save it as a profile')
    .option('--token', 'read a token from standard input instead of logging in with the browser');
  withServer(command).action(async (options: ServerOptions & { token?: true }) => {
    const environment = process.env;
    const input = options.token ? await text(process.stdin) : undefined;
    tell(await logIn(options, { environment, say: tell, pasted: input, ask: askHidden }));
  });
  return withExamples(command, [
    'sonde login --server https://sonde.example.com --profile work',
    'kubectl create token reader | sonde login --server https://sonde.example.com --token',
  ]);
}

/** The environment of a login; tests provide their own. */
export interface LoginEnvironment {
  readonly environment: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  /** A token from standard input. */
  readonly pasted: string | undefined;
  /** Prompts for a token without echo. */
  readonly ask: (prompt: string) => Promise<string>;
  /** Length of a second of waiting, in ms; shorter in tests. */
  readonly secondMs?: number;
}

/** Logs in and saves the profile; returns a message for the user. */
export async function logIn(options: ServerOptions, login: LoginEnvironment): Promise<string> {
  const file = profilesFile(login.environment);
  const { profiles } = await readProfiles(file);
  const name = options.profile ?? 'default';
  const server = options.server ?? profiles[name]?.server ?? LOCAL_SERVER;
  const { insecureHttp } = options;
  const ways = await new ApiClient(server).get<LoginWays>('login');
  if (ways.required) refusePlainHttp(server, insecureHttp);
  const tokens = ways.required ? await tokensFor(ways, login, insecureHttp) : {};
  const client = new ApiClient(server, () => Promise.resolve(tokens.token));
  const { subject, rights } = await client.get<Identity>('whoami');
  await saveProfile(file, name, { server, ...tokens, ...(insecureHttp ? { insecureHttp } : {}) });
  return `Logged in to ${server} as ${subject} (profile ${name}). Access: view ${namespacesText(rights['view'])}.`;
}

async function tokensFor(
  ways: LoginWays,
  { pasted, ask, say, secondMs }: LoginEnvironment,
  insecureHttp: true | undefined,
): Promise<Pick<Profile, 'token' | 'renewal'>> {
  if (pasted !== undefined) return { token: pasted.trim() };
  for (const { issuer, clientId } of ways.openIdProviders) {
    if (clientId === undefined) continue;
    const prompt = ({ address, code }: { address: string; code: string }) =>
      say(`Open ${address} in a browser and enter the code ${code}`);
    const tokens = await logInByDevice({ issuer, clientId, insecureHttp }, prompt, secondMs);
    if (tokens) return tokens;
  }
  const accepted = [
    ...ways.openIdProviders.map(({ issuer }) => `a token of ${issuer}`),
    ...(ways.staticTokens ? ['a token from its administrator'] : []),
    ...(ways.kubernetes ? ['a token of the Kubernetes cluster (`kubectl create token`)'] : []),
  ];
  return { token: (await ask(`Enter ${accepted.join(' or ')}: `)).trim() };
}

/** Prompts for a line without echo. */
async function askHidden(question: string): Promise<string> {
  process.stderr.write(printable(question));
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: process.stdin.isTTY });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
