import { Command, Option } from 'commander';
import { evaluate } from './evaluate.js';
import { explain } from './explain.js';
import { match, type MatchOptions } from './match.js';
import { addRemoteCommands } from './remote.js';

type Format = 'json' | 'table';

/** `sonde policy`: what network policies say of a cluster's flows, and from manifests without a cluster. */
export function policyCommand(): Command {
  const policy = new Command('policy').description(
    'Say what network policies say: of the flows that a server has, or from manifests alone',
  );
  addRemoteCommands(policy);
  policy
    .command('evaluate')
    .description(
      'Evaluate connections by manifests: verdict and trace of both directions, enforced and pending',
    )
    .addOption(manifestsOption())
    .requiredOption(
      '--connections <file>',
      'JSON list of {from, to, protocol, port, sourcePort?, icmpType?, icmpCode?}; - for standard input',
    )
    .option('--dns <file>', 'JSON object of address lists by domain name')
    .addOption(outputOption('table'))
    .action(async (options: { manifests: string[]; connections: string; dns?: string; output: Format }) => {
      print(await evaluate(options.manifests, options.connections, options.dns, options.output));
    });
  policy
    .command('explain')
    .description('List what of manifests selects a pod, per tier in the order of evaluation')
    .argument('<namespace/pod>')
    .addOption(manifestsOption())
    .addOption(outputOption('table'))
    .action(async (pod: string, options: { manifests: string[]; output: Format }) => {
      print(await explain(pod, options.manifests, options.output));
    });
  policy
    .command('match')
    .description("Say whether a selector of Calico's language selects labels")
    .option('--selector <expression>')
    .option('--labels <labels>', 'k=v,k=v,…')
    .option('--file <file>', 'JSON list of {selector, labels}; - for standard input')
    .action(async (options: MatchOptions) => {
      print(await match(options));
    });
  return policy;
}

function manifestsOption(): Option {
  return new Option('--manifests <path...>', 'YAML or JSON files or folders').makeOptionMandatory();
}

function outputOption(standard: Format): Option {
  return new Option('-o, --output <format>').choices(['json', 'table']).default(standard);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
