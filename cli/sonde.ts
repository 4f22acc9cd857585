#!/usr/bin/env node
import { Command } from 'commander';
import { labCommand } from './lab/command.js';
import { observeCommand } from './observe/command.js';
import { policyCommand } from './policy/command.js';
import { collectorCommand } from './services/collector.js';
import { enricherCommand } from './services/enricher.js';
import { queryApiCommand } from './services/query-api.js';
import { upCommand } from './up/command.js';

const sonde = new Command('sonde')
  .description(
    'Flow logs for Kubernetes: who talked to whom, was it allowed, by which policy, and how well did it go',
  )
  .addCommand(upCommand())
  .addCommand(observeCommand())
  .addCommand(policyCommand())
  .addCommand(labCommand())
  .addCommand(collectorCommand())
  .addCommand(enricherCommand())
  .addCommand(queryApiCommand());

try {
  await sonde.parseAsync();
} catch (error) {
  process.stderr.write(`sonde: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
