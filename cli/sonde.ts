#!/usr/bin/env node
import { ClientError } from './client/errors.js';
import { sondeCommand } from './commands.js';
import { exitOnBrokenPipe } from './broken-pipe.js';
import { tell } from './table/tell.js';

exitOnBrokenPipe(process.stdout);
try {
  const sonde = await sondeCommand(process.argv.slice(2));
  if (process.argv.length === 2) sonde.outputHelp();
  else await sonde.parseAsync();
} catch (error) {
  tell(`sonde: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof ClientError ? error.exitCode : 1;
}
