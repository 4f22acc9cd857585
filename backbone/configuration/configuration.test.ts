import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from './problem.js';
import { type ConfigurationSources, readConfiguration } from './read.js';
import { optionsTable } from './table.js';

const options = [
  { key: 'cluster', type: 'string', required: true, description: 'Name of the cluster' },
  { key: 'kafka.brokers', type: 'strings', default: ['localhost:9092'], description: 'Brokers' },
  { key: 'kafka.password', type: 'secret', description: 'The password' },
  { key: 'spool.maxSize', type: 'size', default: '512Mi', min: '1Mi', max: '1Gi', description: 'Size' },
  { key: 'partitions', type: 'integer', default: 12, min: 1, max: 64, description: 'Partitions' },
  { key: 'retention', type: 'duration', min: '1d', max: '90d', multipleOf: '1d', description: 'Retention' },
  { key: 'window', type: 'duration', default: '5s', min: '100ms', max: '5m', description: 'Length' },
  { key: 'tls', type: 'boolean', default: false, description: 'Whether to encrypt' },
  { key: 'log', type: 'string', default: 'info', values: ['info', 'warn'], description: 'What is logged' },
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
  it('has its declared default when it is not set', () => {
    expect(read({ flags: { cluster: 'prod' } })).toEqual({
      cluster: 'prod',
      'kafka.brokers': ['localhost:9092'],
      'spool.maxSize': 512 * 2 ** 20,
      partitions: 12,
      window: 5_000,
      tls: false,
      log: 'info',
    });
  });

  it('comes from a flag, else from the environment, else from the file', () => {
    const yaml = file(
      'cluster: a\nwindow: 1m30s\nretention: 7d\nkafka:\n  brokers: [a:1, b:2]\nspool: {maxSize: 7Mi}\ntls: true\n',
    );
    const environment = { SONDE_CLUSTER: 'b', SONDE_SPOOL_MAX_SIZE: '8M' };
    expect(read({ file: yaml, environment, flags: { cluster: 'c' } })).toMatchObject({
      cluster: 'c',
      'kafka.brokers': ['a:1', 'b:2'],
      'spool.maxSize': 8_000_000,
      retention: 7 * 86_400_000,
      window: 90_000,
      tls: true,
    });
  });

  it('that is a list is separated by commas in the environment and in flags', () => {
    const environment = { SONDE_CLUSTER: 'a', SONDE_KAFKA_BROKERS: 'a:1, b:2,' };
    expect(read({ environment })['kafka.brokers']).toEqual(['a:1', 'b:2']);
  });

  it('that is a secret can be read from a file', () => {
    const environment = { SONDE_CLUSTER: 'a', SONDE_KAFKA_PASSWORD_FILE: file('hush\n') };
    expect(read({ environment })['kafka.password']).toBe('hush');
  });

  it('with an unknown environment variable is ignored', () => {
    expect(
      problems({ environment: { SONDE_CLUSTER: 'a', SONDE_API_SERVICE_PORT: 'tcp://10.0.0.1' } }),
    ).toEqual([]);
  });
});

it('rejects a setting under its old name and names the new one', () => {
  const yaml = file('cluster: a\nspool: {mostMebibytes: 7}\n');
  expect(
    problems({ file: yaml, environment: { SONDE_WINDOW_SECONDS: '1' }, flags: { 'retention-days': '3' } }),
  ).toEqual([
    `spool.mostMebibytes (${yaml} line 2): was renamed; use spool.maxSize`,
    'windowSeconds (SONDE_WINDOW_SECONDS): was renamed; use SONDE_WINDOW',
    'retentionDays (--retention-days): was renamed; use --retention',
  ]);
});

describe('an invalid configuration lists every problem and where it was set', () => {
  it('for values', () => {
    const yaml = file(
      'kafka:\n  brokers: {a: 1}\n  borkers: x\nwindow: 1000\nretention: 36h\ntls: perhaps\nlog:\n',
    );
    const environment = {
      SONDE_SPOOL_MAX_SIZE: '1.5X',
      SONDE_PARTITIONS: '1.5',
      SONDE_KAFKA_PASSWORD_FILE: '/nowhere/at/all',
    };
    expect(problems({ file: yaml, environment, flags: { log: 'loud' } })).toEqual([
      `kafka.brokers.a (${yaml} line 2): is not a setting of this service`,
      `kafka.borkers (${yaml} line 3): is not a setting of this service`,
      'cluster: is required: set cluster in the file, SONDE_CLUSTER or --cluster',
      expect.stringMatching(/^kafka.passwordFile \(SONDE_KAFKA_PASSWORD_FILE\): ENOENT/),
      'spool.maxSize (SONDE_SPOOL_MAX_SIZE): must be a size from 1Mi to 1Gi (for example 512Mi or 1Gi), not "1.5X"',
      'partitions (SONDE_PARTITIONS): must be an integer from 1 to 64, not "1.5"',
      `retention (${yaml} line 5): must be a multiple of 1d, not "36h"`,
      `window (${yaml} line 4): must be a duration from 100ms to 5m (for example 30s or 1h30m), not 1000`,
      `tls (${yaml} line 6): must be true or false`,
      'log (--log): must be one of info, warn, not loud',
    ]);
  });

  it('for the file itself', () => {
    expect(problems({ file: path.join(directory, 'missing.yaml'), flags: { cluster: 'a' } })).toEqual([
      expect.stringContaining('ENOENT'),
    ]);
    expect(problems({ file: file('a: [1\nb: 2'), flags: { cluster: 'a' } })[0]).toMatch(/line \d/);
    expect(problems({ file: file('- a\n'), flags: { cluster: 'a' } })).toEqual([
      expect.stringContaining('must be a YAML mapping of settings'),
    ]);
  });
});

describe('settings that require others', () => {
  const options = [
    { key: 'urls', type: 'strings', required: true, format: 'http://host:port', description: 'Servers' },
    { key: 'brokers', type: 'strings', default: [], format: 'host:port', description: 'Brokers' },
    { key: 'clusters', type: 'strings', default: [], format: 'name=file', description: 'Clusters' },
    { key: 'tls', type: 'boolean', default: false, description: 'Whether to encrypt' },
    { key: 'caFile', type: 'file', needs: ['tls'], description: 'CA certificates' },
    { key: 'user', type: 'string', needs: ['password'], description: 'User name' },
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

  it('are rejected without them', () => {
    const here = file('');
    expect(problemsOf({ 'ca-file': here })).toEqual(['caFile (--ca-file): requires tls']);
    expect(problemsOf({ 'ca-file': here, tls: 'true' })).toEqual([]);
    expect(problemsOf({ user: 'a' })).toEqual(['user (--user): requires password']);
    expect(problemsOf({ 'password-file': here })).toEqual(['password (--password-file): requires user']);
    expect(problemsOf({ user: 'a', 'password-file': here })).toEqual([]);
  });

  it('must name readable files and valid server addresses', () => {
    expect(
      problemsOf({ urls: '', brokers: '[::1]:9092,a.b:9092,kafka', 'ca-file': '/no/such', tls: 'true' }),
    ).toEqual([
      'urls (--urls): must have at least one entry',
      'brokers (--brokers): must be host:port, not kafka',
      expect.stringMatching(/^caFile \(--ca-file\): cannot read the file: ENOENT/),
    ]);
    expect(problemsOf({ urls: 'http://a:8123,clickhouse:8123' })).toEqual([
      'urls (--urls): must be http://host:port, not clickhouse:8123',
    ]);
    expect(problemsOf({ clusters: 'east=/a,west' })).toEqual([
      'clusters (--clusters): must be name=file, not west',
    ]);
  });
});

it('renders every declaration in the documentation table', () => {
  expect(optionsTable(options).split('\n').slice(2)).toEqual([
    '| `cluster` | `SONDE_CLUSTER`, `--cluster` | *required* | Name of the cluster |',
    '| `kafka.brokers` | `SONDE_KAFKA_BROKERS`, `--kafka-brokers` | `localhost:9092` | Brokers |',
    '| `kafka.password` | `SONDE_KAFKA_PASSWORD`, `--kafka-password` |  | The password; or `kafka.passwordFile`, a file that contains it |',
    '| `spool.maxSize` | `SONDE_SPOOL_MAX_SIZE`, `--spool-max-size` | `512Mi` | Size (1Mi to 1Gi) |',
    '| `partitions` | `SONDE_PARTITIONS`, `--partitions` | `12` | Partitions (1 to 64) |',
    '| `retention` | `SONDE_RETENTION`, `--retention` |  | Retention (1d to 90d) |',
    '| `window` | `SONDE_WINDOW`, `--window` | `5s` | Length (100ms to 5m) |',
    '| `tls` | `SONDE_TLS`, `--tls` | `false` | Whether to encrypt |',
    '| `log` | `SONDE_LOG`, `--log` | `info` | What is logged: `info`, `warn` |',
  ]);
});
