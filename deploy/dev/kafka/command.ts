import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startBroker } from './broker.js';

/** `npm run kafka -- up|down`: a broker on 127.0.0.1:9092 whose data lies in .sonde/kafka, until it is stopped. */
const directory = path.resolve('.sonde/kafka');
const pidFile = path.join(directory, 'pid');

switch (process.argv[2]) {
  case 'up':
    await up();
    break;
  case 'down':
    await down();
    break;
  default:
    console.error('usage: npm run kafka -- up|down');
    process.exitCode = 2;
}

async function up(): Promise<void> {
  const running = await runningBroker();
  if (running !== undefined) {
    console.log(`already up: 127.0.0.1:9092, process ${running}`);
    return;
  }
  await mkdir(directory, { recursive: true });
  const broker = await startBroker({
    directory,
    detached: true,
    listeners: [{ protocol: 'PLAINTEXT', port: 9092 }],
    controllerPort: 9093,
  });
  await writeFile(pidFile, `${broker.pid}\n`);
  console.log(`up: ${broker.address}, process ${broker.pid}, log in ${path.join(directory, 'broker.log')}`);
}

async function down(): Promise<void> {
  const pid = await runningBroker();
  if (pid === undefined) {
    console.log('not up');
    return;
  }
  process.kill(pid);
  while ((await runningBroker()) !== undefined) await delay(100);
  await rm(pidFile);
  console.log('down');
}

/** The broker's process id if it runs: one that has been given to another program since is not it. */
async function runningBroker(): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(pidFile, 'utf8'));
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    return command.includes(path.join(directory, 'server.properties')) ? pid : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
