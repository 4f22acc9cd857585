import { type Command, InvalidArgumentError, Option } from 'commander';

const LISTS = [
  ['-n, --namespace <names>', 'namespaces of either side'],
  ['-w, --workload <names>', 'workloads of either side, as NAME or NAMESPACE/NAME'],
  ['--pod <names>', 'pods of either side'],
  ['-l, --selector <labels>', 'labels of either side, for example app=web,tier!=front'],
  ['--ip <addresses>', 'addresses or CIDRs of either side'],
  ['-p, --port <numbers>', 'ports of either side; ranges as 8000-9000'],
  ['--protocol <protocols>', 'for example tcp, udp or icmp'],
  ['--verdict <verdicts>', 'verdicts of the network policies: allow, deny, unknown'],
  ['--from-namespace <names>', 'namespaces of the client'],
  ['--from-pod <names>', 'pods of the client'],
  ['--from-ip <addresses>', 'addresses or CIDRs of the client'],
  ['--to-namespace <names>', 'namespaces of the server'],
  ['--to-pod <names>', 'pods of the server'],
  ['--to-ip <addresses>', 'addresses or CIDRs of the server'],
  ['--to-port <numbers>', 'ports of the server'],
  ['--to-fqdn <names>', 'domains of the server, for example *.example.com'],
] as const;

/** Gives a command the options that select records. Each takes a list with commas and can be repeated. */
export function withFilter(command: Command): Command {
  command.option(
    '--filter <expression>',
    "filter expression (docs/filter.md), for example 'dst.port == 443 && bytes > 1000000'",
  );
  command.optionsGroup('Select records (lists with commas; options can be repeated; all must hold):');
  for (const [flags, description] of LISTS) {
    command.addOption(new Option(flags, description).argParser(list));
  }
  return command.optionsGroup('Options:');
}

/** A list with commas, added to what an earlier occurrence of the option listed. */
export function list(text: string, before: readonly string[] | undefined): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.includes(''))
    throw new InvalidArgumentError('It must be a list with commas, without empty items.');
  return [...(before ?? []), ...items];
}
