#!/usr/bin/env node
// Runs the compiled command, from a checkout as from an installed package.
try {
  await import('../dist/sonde.js');
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.stderr.write(`sonde: ${error.message}\nIn a checkout, run \`npm run setup\` to build Sonde.\n`);
  process.exitCode = 1;
}
