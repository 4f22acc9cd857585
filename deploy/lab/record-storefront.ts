import path from 'node:path';
import { upLab } from './lab.js';
import { definitionDirectory } from './paths.js';
import { recordLab } from './record.js';

/*
 * A program that updates the recording of the storefront's traffic, for machines that cannot build a lab:
 * `node deploy/dist/lab/record-storefront.js [SECONDS]`.
 */
const seconds = Number(process.argv[2] ?? 15);
const directory = path.join(definitionDirectory('storefront'), 'recorded');
const lab = await upLab({ name: 'recording', definition: 'storefront', traffic: true, log: console.error });
try {
  for (const { file, packets, dropped } of await recordLab(lab, { seconds, directory })) {
    console.log(`${file}: ${packets} packets, ${dropped} dropped`);
  }
} finally {
  await lab.down();
}
