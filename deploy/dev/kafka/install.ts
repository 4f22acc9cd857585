import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

/** Kafka cannot be installed or run here; the message says what is missing. */
export class KafkaUnavailableError extends Error {
  override readonly name = 'KafkaUnavailableError';
}

/**
 * The class path of Apache Kafka's programs, of the version that `pom.xml` names. Fetched from Maven Central the
 * first time, then kept in the user's cache (`$XDG_CACHE_HOME/sonde`, else `~/.cache/sonde`).
 * @throws KafkaUnavailableError without Java or Maven, or if Maven fails.
 */
export async function kafkaClassPath(): Promise<string> {
  const version = await kafkaVersion();
  const cache = path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'sonde');
  const directory = path.join(cache, `kafka-${version}`);
  if (!existsSync(directory)) await fetchInto(directory);
  return path.join(directory, '*');
}

/** Runs one of Kafka's command-line programs to its end. */
export async function runKafkaTool(mainClass: string, args: readonly string[]): Promise<void> {
  await run('java', [...smallJvm, '-cp', await kafkaClassPath(), mainClass, ...args]);
}

/** For programs that live for seconds, or brokers that hold little: start quickly, stay small. */
export const smallJvm = ['-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'] as const;

/** The description of what to fetch stays with the sources; compiled code finds it from `dist/`. */
function pomFile(): string {
  const beside = path.join(import.meta.dirname, 'pom.xml');
  return existsSync(beside) ? beside : path.resolve(import.meta.dirname, '../../../dev/kafka/pom.xml');
}

async function kafkaVersion(): Promise<string> {
  const version = /<kafka\.version>([^<]+)</.exec(await readFile(pomFile(), 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${pomFile()} names no kafka.version`);
  return version;
}

/** Fills the directory beside its place and moves it there whole, so that runs at the same time do not meet. */
async function fetchInto(directory: string): Promise<void> {
  await mkdir(path.dirname(directory), { recursive: true });
  const work = await mkdtemp(`${directory}-`);
  try {
    await copyFile(pomFile(), path.join(work, 'pom.xml'));
    const jars = path.join(work, 'jars');
    await run('mvn', [
      ...['--batch-mode', '--quiet', '--file', path.join(work, 'pom.xml')],
      ...['dependency:copy-dependencies', `-DoutputDirectory=${jars}`],
    ]);
    await rename(jars, directory).catch((error: unknown) => {
      if (!existsSync(directory)) throw error;
    });
  } finally {
    await rm(work, { recursive: true });
  }
}

async function run(command: string, args: readonly string[]): Promise<void> {
  try {
    await promisify(execFile)(command, args);
  } catch (error) {
    const failure = error as NodeJS.ErrnoException & { stdout?: string; stderr?: string };
    const reason =
      failure.code === 'ENOENT'
        ? `${command} is not installed`
        : `${command} failed: …${`${failure.stdout ?? ''}${failure.stderr ?? ''}`.slice(-1500)}`;
    throw new KafkaUnavailableError(`no development broker: ${reason}`);
  }
}
