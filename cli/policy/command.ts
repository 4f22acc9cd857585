import { Command, Option } from 'commander';
import { withServer } from '../client/connection.js';
import { sinceOption, timeArgument } from '../client/time-range.js';
import { list } from '../filter/options.js';
import { EXIT } from '../client/errors.js';
import { withExamples } from '../help/help.js';
import { screenOf } from '../table/screen.js';
import type { EvaluateOptions } from './evaluate.js';
import type { ExplainOptions } from './explain.js';
import type { MatchOptions } from './match.js';
import { addActivityCommand } from './activity.js';
import { addChangesCommand } from './changes.js';
import { addPreviewCommand } from './preview.js';
import { clusterOption, outputOption, print } from './remote-options.js';
import { addSuggestCommand } from './suggest.js';

/** `sonde policy`: lists and evaluates network policies, from a server or from manifests. */
export function policyCommand(): Command {
  const policy = new Command('policy').description(
    'Show and evaluate network policies, from a server or from manifests',
  );
  addActivityCommand(policy);
  addChangesCommand(policy);
  addPreviewCommand(policy);
  addSuggestCommand(policy);
  withExamples(
    withServer(
      policy
        .command('evaluate')
        .description('Evaluate whether connections are allowed and by which policies')
        .argument('[from]', 'namespace/workload or namespace/pod, or an address')
        .argument('[to]', 'the same, or a service as service/namespace/name, or a domain name')
        .argument('[port]', 'port of the server')
        .option('--protocol <protocol>', 'protocol, by name or number', 'TCP')
        .option(
          '--connections <file>',
          'JSON list of {from, to, protocol, port, sourcePort?, icmpType?, icmpCode?} to evaluate instead; - for standard input',
        )
        .addOption(atOption())
        .addOption(sinceOption('identify endpoints by flows since this time', '1h'))
        .addOption(clusterOption())
        .addOption(manifestsOption())
        .option('--dns <file>', 'with --manifests: JSON object of address lists by domain name')
        .option('--exit-code', `exit with ${EXIT.found} if a connection is not allowed`)
        .addOption(outputOption(['table', 'json']))
        .action(async (from, to, port, options: EvaluateOptions & { exitCode?: true }) => {
          const words = [from, to, port].filter((word): word is string => typeof word === 'string');
          const { evaluate } = await import('./evaluate.js');
          const { text, isAllowed } = await evaluate(words, options, screenOf(process.stdout));
          print(text);
          if (options.exitCode && !isAllowed) process.exitCode = EXIT.found;
        }),
    ),
    [
      'sonde policy evaluate storefront/frontend storefront/backend 8080',
      'sonde policy evaluate storefront/backend www.example.com 443 --at 2h',
      'sonde policy evaluate storefront/frontend-0 storefront/backend-0 8080 --manifests k8s/ --exit-code',
    ],
  );
  withExamples(
    withServer(
      policy
        .command('explain')
        .description('List the policies that select a workload or pod, in evaluation order')
        .argument('<namespace/name>', 'workload, or pod with --manifests')
        .addOption(atOption())
        .addOption(sinceOption('identify endpoints by flows since this time', '1h'))
        .addOption(clusterOption())
        .addOption(manifestsOption())
        .addOption(outputOption(['table', 'json']))
        .action(async (name: string, options: ExplainOptions) => {
          const { explain } = await import('./explain.js');
          print(await explain(name, options, screenOf(process.stdout)));
        }),
    ),
    ['sonde policy explain storefront/backend', 'sonde policy explain storefront/backend-0 --manifests k8s/'],
  );
  withExamples(
    policy
      .command('match')
      .description('Evaluate whether a Calico selector matches labels')
      .option('--selector <expression>', 'Calico selector')
      .option('--labels <labels>', 'labels, as KEY=VALUE,KEY=VALUE')
      .option('--file <file>', 'JSON list of {selector, labels} to evaluate instead; - for standard input')
      .action(async (options: MatchOptions) => {
        const { match } = await import('./match.js');
        print(await match(options));
      }),
    [`sonde policy match --selector "app == 'web' && has(tier)" --labels app=web,tier=front`],
  );
  return policy;
}

function manifestsOption(): Option {
  return new Option(
    '--manifests <paths>',
    'use YAML or JSON manifests (files or folders) instead of a server; comma-separated or repeated',
  ).argParser(list);
}

function atOption(): Option {
  return new Option('--at <time>', 'time of the policies: how long ago (2h), a date or RFC 3339')
    .argParser(timeArgument)
    .default('now');
}
