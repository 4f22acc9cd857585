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
import { printable } from '../table/printable.js';
import { tell } from '../table/tell.js';

/** How a server says that one gets a token (`GET /api/v1/login`). */
interface LoginWays {
  readonly required: boolean;
  readonly openIdProviders: readonly { readonly issuer: string; readonly clientId?: string }[];
  readonly staticTokens: boolean;
  readonly kubernetes: boolean;
}

interface Identity {
  readonly subject: string;
  readonly rights: Readonly<Record<string, 'all' | readonly string[]>>;
}

/** `sonde login`: gets a token, sees that the server knows it, and keeps both as a profile. */
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

/** What a login needs of its surroundings. */
export interface LoginSurroundings {
  readonly environment: NodeJS.ProcessEnv;
  readonly say: (line: string) => void;
  /** A token that was given already. */
  readonly pasted: string | undefined;
  /** Asks the person for a token, which is not shown. */
  readonly ask: (question: string) => Promise<string>;
  /** How long a second of waiting is, for tests. */
  readonly secondMs?: number;
}

/** Logs in and keeps the profile; returns what to tell the person. */
export async function logIn(options: ServerOptions, surroundings: LoginSurroundings): Promise<string> {
  const file = profilesFile(surroundings.environment);
  const { profiles } = await readProfiles(file);
  const name = options.profile ?? 'default';
  const server = options.server ?? profiles[name]?.server ?? LOCAL_SERVER;
  const { insecureHttp } = options;
  const ways = await new ApiClient(server).get<LoginWays>('login');
  if (ways.required) refusePlainHttp(server, insecureHttp);
  const tokens = ways.required ? await tokensFor(ways, surroundings, insecureHttp) : {};
  const client = new ApiClient(server, () => Promise.resolve(tokens.token));
  const { subject, rights } = await client.get<Identity>('whoami');
  await saveProfile(file, name, { server, ...tokens, ...(insecureHttp ? { insecureHttp } : {}) });
  return `You are ${subject} at ${server} (profile ${name}); you may view ${namespacesText(rights['view'])}.`;
}

async function tokensFor(
  ways: LoginWays,
  { pasted, ask, say, secondMs }: LoginSurroundings,
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
    ...ways.openIdProviders.map(({ issuer }) => `of ${issuer}`),
    ...(ways.staticTokens ? ['that its operators hand out'] : []),
    ...(ways.kubernetes ? ['of the Kubernetes cluster (`kubectl create token`)'] : []),
  ];
  return { token: (await ask(`Token (the server accepts those ${accepted.join(', ')}): `)).trim() };
}

function namespacesText(namespaces: 'all' | readonly string[] | undefined): string {
  if (namespaces === 'all') return 'everything';
  if (namespaces === undefined || namespaces.length === 0) return 'nothing';
  return `the namespaces ${namespaces.join(', ')}`;
}

/** Asks for a line that the terminal does not show. */
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
