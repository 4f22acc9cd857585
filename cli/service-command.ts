import {
  environmentName,
  flagName,
  type OptionDeclaration,
  secretFileKey,
} from '@sonde/backbone/configuration/option';
import { renamedKeys } from '@sonde/backbone/configuration/read';
import { serviceOptions } from '@sonde/backbone/service/options';
import { runService, type ServiceDefinition } from '@sonde/backbone/service/run-service';
import { Command, Option } from 'commander';

/** The command that runs a service. */
export function serviceCommand<const Declared extends OptionDeclaration>(
  service: ServiceDefinition<Declared>,
): Command {
  const options = [...serviceOptions, ...service.options];
  const command = new Command(service.name)
    .description(service.description)
    .option('--config <file>', 'YAML file of settings (SONDE_CONFIG)');
  for (const option of options) addFlags(command, option);
  // Accepted so that the configuration error can name the new flag.
  for (const [old] of renamedKeys(options))
    command.addOption(new Option(`--${flagName(old)} <value>`).hideHelp());
  return command.action(async (values: Readonly<Record<string, string | undefined>>) => {
    const exitCode = await runService(service, { configFile: values['config'], flags: byFlagName(values) });
    // Resources that a failed service left open must not keep the process running.
    if (exitCode !== 0) process.exit(exitCode);
  });
}

function addFlags(command: Command, { key, type, description }: OptionDeclaration): void {
  command.option(`--${flagName(key)} <value>`, `${description} (${environmentName(key)})`);
  if (type === 'secret') {
    const fileKey = secretFileKey(key);
    command.option(`--${flagName(fileKey)} <file>`, `file that contains it (${environmentName(fileKey)})`);
  }
}

/** Commander names the values of flags in camel case. */
function byFlagName(
  values: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      value,
    ]),
  );
}
