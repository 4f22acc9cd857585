import { createReadStream } from 'node:fs';
import { probeWindows } from '@sonde/collector/probe/windows';
import { formatAddress } from '@sonde/model/net/address';

/** Checks that a file of frames contains the three echo requests of `boot.sh` and their replies. */
const [file = ''] = process.argv.slice(2);
let requests = 0n;
let answers = 0n;
for await (const { rows, columns } of probeWindows(createReadStream(file))) {
  for (let row = 0; row < rows; row++) {
    if (formatAddress(columns.dst_ip, row * 16) !== '192.0.2.2' || columns.protocol[row] !== 1) continue;
    requests += columns.packets_out[row] ?? 0n;
    answers += columns.packets_in[row] ?? 0n;
  }
}
console.log(`counted ${requests} echo requests of 3, and ${answers} answers of 3`);
process.exitCode = requests === 3n && answers === 3n ? 0 : 1;
