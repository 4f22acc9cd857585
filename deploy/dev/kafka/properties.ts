/** Listeners and users of a broker. */
export interface BrokerSettings {
  /** The listeners for clients; the first is the one that {@link clientListener} names. */
  readonly listeners: readonly BrokerListener[];
  /** The port of the controller, which only the broker itself uses. */
  readonly controllerPort: number;
  /** Users for SCRAM-SHA-512, with their passwords. */
  readonly scramUsers?: Readonly<Record<string, string>>;
  /** Users for PLAIN, with their passwords. */
  readonly plainUsers?: Readonly<Record<string, string>>;
  /** PEM file with the key and the certificate of listeners with TLS. */
  readonly certificateFile?: string;
}

export interface BrokerListener {
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
  readonly port: number;
  /** The advertised port, if a proxy stands between clients and the broker; default: `port`. */
  readonly advertisedPort?: number;
}

/** The listener that needs neither TLS nor authentication, which the broker itself uses too. */
export function clientListener({ listeners }: BrokerSettings): BrokerListener {
  const listener = listeners.find(({ protocol }) => protocol === 'PLAINTEXT');
  if (listener === undefined) throw new RangeError('a broker needs a PLAINTEXT listener');
  return listener;
}

/**
 * A broker's `server.properties` (https://kafka.apache.org/documentation/#brokerconfigs): one node that is broker and
 * controller, internal topics without replicas, and no topic made by accident.
 */
export function brokerProperties(settings: BrokerSettings, dataDirectory: string): string {
  const { controllerPort, certificateFile } = settings;
  const controller = { protocol: 'CONTROLLER', port: controllerPort } as const;
  const listeners = [...settings.listeners, controller];
  const properties: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.bootstrap.servers': `127.0.0.1:${controllerPort}`,
    listeners: listeners.map(({ protocol, port }) => `${protocol}://127.0.0.1:${port}`).join(','),
    'advertised.listeners': settings.listeners
      .map(({ protocol, port, advertisedPort = port }) => `${protocol}://127.0.0.1:${advertisedPort}`)
      .join(','),
    // Each listener is named after its protocol, only the controller's has none of its own.
    'listener.security.protocol.map': listeners
      .map(({ protocol }) => `${protocol}:${protocol === 'CONTROLLER' ? 'PLAINTEXT' : protocol}`)
      .join(','),
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': dataDirectory,
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 4,
    'group.initial.rebalance.delay.ms': 0,
    'group.min.session.timeout.ms': 1000,
    // So long the controller remembers a broker that was killed, and refuses it if it comes back before.
    'broker.session.timeout.ms': 4000,
    'broker.heartbeat.interval.ms': 1000,
    ...saslProperties(settings),
  };
  if (certificateFile !== undefined) {
    properties['ssl.keystore.type'] = 'PEM';
    properties['ssl.keystore.location'] = certificateFile;
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

function saslProperties({ listeners, plainUsers = {} }: BrokerSettings): Record<string, string> {
  const properties: Record<string, string> = {};
  const users = Object.entries(plainUsers).map(([name, password]) => ` user_${name}="${password}"`);
  for (const { protocol } of listeners) {
    if (!protocol.startsWith('SASL')) continue;
    const listener = `listener.name.${protocol.toLowerCase()}`;
    properties[`${listener}.sasl.enabled.mechanisms`] = 'PLAIN,SCRAM-SHA-512';
    properties[`${listener}.plain.sasl.jaas.config`] =
      `org.apache.kafka.common.security.plain.PlainLoginModule required${users.join('')};`;
    properties[`${listener}.scram-sha-512.sasl.jaas.config`] =
      'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  }
  return properties;
}
