#!/usr/bin/env node
import { Command } from 'commander';
import { ClientError } from './client/errors.js';
import { completionCommand } from './completion/command.js';
import { fieldsCommand } from './fields/command.js';
import { graphCommand } from './graph/command.js';
import { labCommand } from './lab/command.js';
import { loginCommand } from './login/command.js';
import { observeCommand } from './observe/command.js';
import { policyCommand } from './policy/command.js';
import { queryCommand } from './query/command.js';
import { endWhenReaderLeaves } from './reader-left.js';
import { collectorCommand } from './services/collector.js';
import { enricherCommand } from './services/enricher.js';
import { queryApiCommand } from './services/query-api.js';
import { topCommand } from './top/command.js';
import { upCommand } from './up/command.js';

const sonde = new Command('sonde')
  .description(
    'Flow logs for Kubernetes: who talked to whom, was it allowed, by which policy, and how well did it go',
  )
  .addCommand(upCommand())
  .addCommand(observeCommand())
  .addCommand(queryCommand())
  .addCommand(topCommand())
  .addCommand(graphCommand())
  .addCommand(fieldsCommand())
  .addCommand(policyCommand())
  .addCommand(loginCommand())
  .addCommand(labCommand())
  .addCommand(collectorCommand())
  .addCommand(enricherCommand())
  .addCommand(queryApiCommand())
  .addCommand(completionCommand());

endWhenReaderLeaves(process.stdout);
try {
  await sonde.parseAsync();
} catch (error) {
  process.stderr.write(`sonde: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ClientError ? error.exitCode : 1;
}
