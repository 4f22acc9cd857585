import { Command, Option } from 'commander';
import { connect, type ServerOptions, withServer } from '../client/connection.js';
import { withExamples } from '../help/help.js';
import { jsonText, printable } from '../table/printable.js';
import { type Identity, namespacesText } from './identity.js';

export interface WhoamiOptions extends ServerOptions {
  readonly output: 'text' | 'json';
}

/** `sonde whoami`: the identity and the rights of the user at the server. */
export function whoamiCommand(): Command {
  const command = new Command('whoami')
    .description('Show your identity and your rights at the server')
    .addOption(
      new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'),
    );
  withServer(command).action(async (options: WhoamiOptions) => {
    process.stdout.write(`${await whoami(options)}\n`);
  });
  return withExamples(command, ['sonde whoami', 'sonde whoami --profile work']);
}

/** The text of the identity. @throws ClientError */
export async function whoami(options: WhoamiOptions): Promise<string> {
  const client = await connect(options);
  const identity = await client.get<Identity>('whoami');
  if (options.output === 'json') return jsonText({ server: client.server, ...identity }, 2);
  const { subject, rights } = printable(identity);
  return [
    `Server:   ${client.server}`,
    `Identity: ${subject}`,
    ...Object.entries(rights).map(
      ([right, namespaces]) => `${`${right}:`.padEnd(10)}${namespacesText(namespaces)}`,
    ),
  ].join('\n');
}
