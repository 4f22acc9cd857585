import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from './problem.js';
import { type ConfigurationSources, readConfiguration } from './read.js';
import { optionsTable } from './table.js';

const options = [
  { key: 'cluster', type: 'text', required: true, description: 'Name of the cluster' },
  { key: 'kafka.brokers', type: 'texts', default: ['localhost:9092'], description: 'Brokers' },
  { key: 'kafka.password', type: 'secret', description: 'The password' },
  { key: 'spool.mostMebibytes', type: 'integer', default: 512, least: 1, most: 1024, description: 'Size' },
  { key: 'window', type: 'number', default: 5, least: 0.1, most: 300, description: 'Seconds' },
  { key: 'tls', type: 'boolean', default: false, description: 'Whether to encrypt' },
  { key: 'log', type: 'text', default: 'info', values: ['info', 'warn'], description: 'What is logged' },
] as const;

let directory: string;

beforeEach(() => {
  directory = temporaryDirectory('configuration');
});

function file(text: string): string {
  const name = path.join(directory, 'sonde.yaml');
  writeFileSync(name, text);
  return name;
}

function read(sources: Partial<ConfigurationSources>) {
  return readConfiguration(options, { environment: {}, flags: {}, ...sources });
}

function problems(sources: Partial<ConfigurationSources>): string[] {
  try {
    read(sources);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('a setting', () => {
  it('is what the declaration says if nobody says anything', () => {
    expect(read({ flags: { cluster: 'prod' } })).toEqual({
      cluster: 'prod',
      'kafka.brokers': ['localhost:9092'],
      'spool.mostMebibytes': 512,
      window: 5,
      tls: false,
      log: 'info',
    });
  });

  it('comes from the file, before that from the environment, before that from a flag', () => {
    const yaml = file(
      'cluster: a\nwindow: 1\nkafka:\n  brokers: [a:1, b:2]\nspool: {mostMebibytes: 7}\ntls: true\n',
    );
    const environment = { SONDE_CLUSTER: 'b', SONDE_SPOOL_MOST_MEBIBYTES: '8' };
    expect(read({ file: yaml, environment, flags: { cluster: 'c' } })).toMatchObject({
      cluster: 'c',
      'kafka.brokers': ['a:1', 'b:2'],
      'spool.mostMebibytes': 8,
      window: 1,
      tls: true,
    });
  });

  it('that is a list has commas outside of the file', () => {
    const environment = { SONDE_CLUSTER: 'a', SONDE_KAFKA_BROKERS: 'a:1, b:2,' };
    expect(read({ environment })['kafka.brokers']).toEqual(['a:1', 'b:2']);
  });

  it('that is a secret may stand in a file of its own', () => {
    const environment = { SONDE_CLUSTER: 'a', SONDE_KAFKA_PASSWORD_FILE: file('hush\n') };
    expect(read({ environment })['kafka.password']).toBe('hush');
  });

  it('of others in the environment is none of ours', () => {
    expect(
      problems({ environment: { SONDE_CLUSTER: 'a', SONDE_API_SERVICE_PORT: 'tcp://10.0.0.1' } }),
    ).toEqual([]);
  });
});

describe('all that is wrong is told at once, with who said it', () => {
  it('in values', () => {
    const yaml = file('kafka:\n  brokers: {a: 1}\n  borkers: x\nwindow: 1000\ntls: perhaps\nlog:\n');
    const environment = { SONDE_SPOOL_MOST_MEBIBYTES: '1.5', SONDE_KAFKA_PASSWORD_FILE: '/nowhere/at/all' };
    expect(problems({ file: yaml, environment, flags: { log: 'loud' } })).toEqual([
      `kafka.brokers.a (${yaml} line 2): is no setting of this service`,
      `kafka.borkers (${yaml} line 3): is no setting of this service`,
      'cluster: must be given: cluster in the file, SONDE_CLUSTER or --cluster',
      expect.stringMatching(/^kafka.passwordFile \(SONDE_KAFKA_PASSWORD_FILE\): ENOENT/),
      'spool.mostMebibytes (SONDE_SPOOL_MOST_MEBIBYTES): must be a whole number from 1 to 1024, not "1.5"',
      `window (${yaml} line 4): must be a number from 0.1 to 300, not 1000`,
      `tls (${yaml} line 5): must be true or false`,
      'log (--log): must be one of info, warn, not loud',
    ]);
  });

  it('in the file itself', () => {
    expect(problems({ file: path.join(directory, 'missing.yaml'), flags: { cluster: 'a' } })).toEqual([
      expect.stringContaining('ENOENT'),
    ]);
    expect(problems({ file: file('a: [1\nb: 2'), flags: { cluster: 'a' } })[0]).toMatch(/line \d/);
    expect(problems({ file: file('- a\n'), flags: { cluster: 'a' } })).toEqual([
      expect.stringContaining('must hold keys and values'),
    ]);
  });
});

describe('settings that hang together', () => {
  const options = [
    { key: 'urls', type: 'texts', required: true, form: 'http://host:port', description: 'Servers' },
    { key: 'brokers', type: 'texts', default: [], form: 'host:port', description: 'Brokers' },
    { key: 'clusters', type: 'texts', default: [], form: 'name=file', description: 'Clusters' },
    { key: 'tls', type: 'boolean', default: false, description: 'Whether to encrypt' },
    { key: 'caFile', type: 'file', needs: ['tls'], description: 'Whom to trust' },
    { key: 'user', type: 'text', needs: ['password'], description: 'Who to be' },
    { key: 'password', type: 'secret', needs: ['user'], description: 'Its password' },
  ] as const;

  function problemsOf(flags: Readonly<Record<string, string>>): string[] {
    try {
      readConfiguration(options, { environment: {}, flags: { urls: 'http://a:1', ...flags } });
    } catch (error) {
      if (error instanceof ConfigurationError) return error.message.split('\n');
      throw error;
    }
    return [];
  }

  it('need each other', () => {
    const here = file('');
    expect(problemsOf({ 'ca-file': here })).toEqual(['caFile (--ca-file): needs tls, too']);
    expect(problemsOf({ 'ca-file': here, tls: 'true' })).toEqual([]);
    expect(problemsOf({ user: 'a' })).toEqual(['user (--user): needs password, too']);
    expect(problemsOf({ 'password-file': here })).toEqual(['password (--password-file): needs user, too']);
    expect(problemsOf({ user: 'a', 'password-file': here })).toEqual([]);
  });

  it('name files that can be read, and servers by their addresses', () => {
    expect(
      problemsOf({ urls: '', brokers: '[::1]:9092,a.b:9092,kafka', 'ca-file': '/no/such', tls: 'true' }),
    ).toEqual([
      'urls (--urls): must name at least one',
      'brokers (--brokers): must be host:port, not kafka',
      expect.stringMatching(/^caFile \(--ca-file\): cannot be read: ENOENT/),
    ]);
    expect(problemsOf({ urls: 'http://a:8123,clickhouse:8123' })).toEqual([
      'urls (--urls): must be http://host:port, not clickhouse:8123',
    ]);
    expect(problemsOf({ clusters: 'east=/a,west' })).toEqual([
      'clusters (--clusters): must be name=file, not west',
    ]);
  });
});

it('the documentation says everything that is declared', () => {
  expect(optionsTable(options).split('\n').slice(2)).toEqual([
    '| `cluster` | `SONDE_CLUSTER`, `--cluster` | *required* | Name of the cluster |',
    '| `kafka.brokers` | `SONDE_KAFKA_BROKERS`, `--kafka-brokers` | `localhost:9092` | Brokers |',
    '| `kafka.password` | `SONDE_KAFKA_PASSWORD`, `--kafka-password` |  | The password; or `kafka.passwordFile`, a file that holds it |',
    '| `spool.mostMebibytes` | `SONDE_SPOOL_MOST_MEBIBYTES`, `--spool-most-mebibytes` | `512` | Size (1 to 1024) |',
    '| `window` | `SONDE_WINDOW`, `--window` | `5` | Seconds (0.1 to 300) |',
    '| `tls` | `SONDE_TLS`, `--tls` | `false` | Whether to encrypt |',
    '| `log` | `SONDE_LOG`, `--log` | `info` | What is logged: `info`, `warn` |',
  ]);
});
