import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { CommandFailed, searchPath } from './command/run.js';

/** This machine cannot run a lab. The message says what is missing and what to do. */
export class LabUnavailable extends Error {
  override readonly name = 'LabUnavailable';
}

/** The Debian packages of the programs that the lab runs. */
const packageOf = {
  ip: 'iproute2',
  nft: 'nftables',
  ping: 'iputils-ping',
  ethtool: 'ethtool',
  tcpdump: 'tcpdump',
} as const;

export type LabProgram = keyof typeof packageOf;

/** Why a lab that needs these programs cannot run here; undefined if it can. */
export function whyUnavailable(programs: readonly LabProgram[]): string | undefined {
  if (process.platform !== 'linux') {
    return `The lab is made of Linux network namespaces, and this is ${process.platform}: run it on Linux.`;
  }
  if (process.geteuid?.() !== 0) {
    return 'The lab needs root to make network namespaces: run it with sudo.';
  }
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length > 0) {
    const packages = missing.map((program) => packageOf[program]).join(' ');
    return `The lab needs ${missing.join(', ')}: run "apt-get install ${packages}".`;
  }
  return undefined;
}

/** @throws {LabUnavailable} when this machine lacks something that the lab needs. */
export function requireLabPrograms(programs: readonly LabProgram[]): void {
  const reason = whyUnavailable(programs);
  if (reason !== undefined) throw new LabUnavailable(reason);
}

/** Messages of iproute2 and nftables when the kernel or a container denies an operation to root. */
const refusal = /Operation not permitted|Permission denied|Operation not supported|Unknown device type/;

/** The error to report when building failed: LabUnavailable if the machine denied it, otherwise the given error. */
export function explainFailure(error: unknown): unknown {
  if (!(error instanceof CommandFailed) || !refusal.test(error.result.stderr)) return error;
  return new LabUnavailable(
    `This machine refuses what the lab is made of: ${error.message}. In a container, give it the capabilities ` +
      'CAP_SYS_ADMIN and CAP_NET_ADMIN, or run the lab outside.',
    { cause: error },
  );
}

function isInstalled(program: string): boolean {
  return searchPath.split(':').some((directory) => {
    try {
      accessSync(path.join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
