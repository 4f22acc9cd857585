import { Command } from 'commander';
import { withPointerToHelp } from './help/help.js';
import { serviceCommand } from './service-command.js';
import { clientVersion } from './version/version.js';

interface Entry {
  /** What the help of `sonde` says; a command's own help says more. */
  readonly summary: string;
  /** Loads the command on demand: the services' dependencies take seconds to load. */
  readonly load: () => Promise<Command>;
}

const SERVICES = 'Run services in a cluster:';

/** The commands by name, in the groups and the order of the help. */
const groups: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  'Start here:': {
    up: {
      summary: 'Run all of Sonde in one process and print flows',
      load: async () => (await import('./up/command.js')).upCommand(),
    },
  },
  'Ask a running Sonde:': {
    observe: {
      summary: 'List recent flows or DNS lookups, or stream new ones',
      load: async () => (await import('./observe/command.js')).observeCommand(),
    },
    top: {
      summary: 'Rank clients, servers, domains and others by traffic, drops or latency',
      load: async () => (await import('./top/command.js')).topCommand(),
    },
    query: {
      summary: 'Aggregate flows by any fields and over time',
      load: async () => (await import('./query/command.js')).queryCommand(),
    },
    graph: {
      summary: 'Show which workloads communicate',
      load: async () => (await import('./graph/command.js')).graphCommand(),
    },
    policy: {
      summary: 'Show, evaluate, preview and suggest network policies',
      load: async () => (await import('./policy/command.js')).policyCommand(),
    },
    status: {
      summary: 'Show whether Sonde works: data, services, lag and losses',
      load: async () => (await import('./status/command.js')).statusCommand(),
    },
    fields: {
      summary: 'List the fields of records and their values',
      load: async () => (await import('./fields/command.js')).fieldsCommand(),
    },
  },
  'Choose a server:': {
    login: {
      summary: 'Log in to a server and save it as a profile',
      load: async () => (await import('./login/command.js')).loginCommand(),
    },
    logout: {
      summary: 'Remove the token of a profile and revoke it',
      load: async () => (await import('./login/logout.js')).logoutCommand(),
    },
    whoami: {
      summary: 'Show your identity and your rights at the server',
      load: async () => (await import('./login/whoami.js')).whoamiCommand(),
    },
    profile: {
      summary: 'List, show, select and remove saved profiles',
      load: async () => (await import('./profile/command.js')).profileCommand(),
    },
  },
  [SERVICES]: {
    collector: {
      summary: "Publish the flows of this node's traffic to Kafka",
      load: async () => serviceCommand((await import('@sonde/collector/service')).collectorService),
    },
    enricher: {
      summary: 'Add identities and policy verdicts to flows and store them in ClickHouse',
      load: async () => serviceCommand((await import('@sonde/enricher/service')).enricherService),
    },
    'query-api': {
      summary: 'Serve the HTTP API over the records in ClickHouse',
      load: async () => {
        const { queryApiService } = await import('@sonde/query-api/service');
        const { Credentials } = await import('@sonde/backbone/kubernetes/credentials');
        const { kubeConfigSource } = await import('@sonde/backbone/kubernetes/kube-config');
        const credentialsOf = (file: string | undefined) =>
          new Credentials(kubeConfigSource(file === undefined ? 'usual places' : { file }));
        return serviceCommand(queryApiService(credentialsOf));
      },
    },
  },
  'Other commands:': {
    lab: {
      summary: 'Build and remove the lab cluster',
      load: async () => (await import('./lab/command.js')).labCommand(),
    },
    completion: {
      summary: 'Print a script that completes sonde in a shell',
      load: async () => (await import('./completion/command.js')).completionCommand(),
    },
    version: {
      summary: 'Print the version of sonde',
      load: async () => (await import('./version/command.js')).versionCommand(),
    },
  },
};

/**
 * The command `sonde` for a command line. Only the command that the line names is loaded; the others are there by name
 * and summary, for help and for hints. Completion loads all but the services, which take seconds.
 */
export async function sondeCommand([word = '', next = '']: readonly string[]): Promise<Command> {
  const sonde = new Command('sonde').description(
    'Flow logs for Kubernetes: who talked to whom, was it allowed, by which policy, and how well did it go',
  );
  const named = word === 'help' ? next : word;
  for (const [group, entries] of Object.entries(groups)) {
    for (const [name, { summary, load }] of Object.entries(entries)) {
      const isLoaded = named === name || (word === 'completion' && group !== SERVICES);
      const command = isLoaded ? await load() : new Command(name);
      sonde.addCommand(command.summary(summary).helpGroup(group));
    }
  }
  sonde.commandsGroup('Other commands:').helpCommand('help [command]', 'Explain a command');
  return withPointerToHelp(sonde.version(clientVersion(), '-V, --version', 'Print the version of sonde'));
}
