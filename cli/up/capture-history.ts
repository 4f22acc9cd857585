import { createHash } from 'node:crypto';
import { open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { STANDARD_INPUT } from '@sonde/collector/pcap/capture-bytes';
import { createDirectory, DirectoryNotUsableError } from '@sonde/backbone/files/create-directory';

/** A capture file that was read. */
interface ReadCapture {
  readonly fingerprint: string;
  readonly file: string;
  /** RFC 3339. */
  readonly time: string;
}

/** How much of the beginning and of the end of a file tells it from others, besides its size. */
const COMPARED_BYTES = 1 << 20;

/** Which capture files were read into a data directory: their flows count again if they are read again. */
export class CaptureHistory {
  private constructor(
    private readonly path: string,
    private readonly captures: ReadCapture[],
    private readonly say: (line: string) => void,
  ) {}

  /** `say` takes what there is to say of files that are added. */
  static async open(dataDirectory: string, say: (line: string) => void): Promise<CaptureHistory> {
    const file = path.join(dataDirectory, 'captures.json');
    const text = await readFile(file, 'utf8').catch(() => '[]');
    return new CaptureHistory(file, parsed(text), say);
  }

  /** Adds a file that is about to be read, and says if it was read before. */
  async add(file: string): Promise<void> {
    if (file === STANDARD_INPUT) return;
    // A file that cannot be read is reported by its source.
    const fingerprint = await fingerprintOf(file).catch(() => undefined);
    if (fingerprint === undefined) return;
    const earlier = this.captures.find((capture) => capture.fingerprint === fingerprint);
    if (earlier)
      this.say(
        `${file} was read before (as ${earlier.file}, ${earlier.time}): its flows are in ${path.dirname(this.path)} twice. Use another --data to count them once.`,
      );
    this.captures.push({ fingerprint, file, time: new Date().toISOString() });
    try {
      await createDirectory(path.dirname(this.path));
      await writeFile(this.path, `${JSON.stringify(this.captures, undefined, 2)}\n`);
    } catch (error) {
      if (error instanceof DirectoryNotUsableError) throw error;
      this.say(`cannot note that ${file} is read: ${String(error)}`);
    }
  }
}

/** The captures of the history file; none if it is damaged, which costs no more than a warning. */
function parsed(text: string): ReadCapture[] {
  try {
    const value = JSON.parse(text) as unknown;
    return Array.isArray(value) ? (value as ReadCapture[]) : [];
  } catch {
    return [];
  }
}

async function fingerprintOf(file: string): Promise<string> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const hash = createHash('sha256').update(`${size}:`);
    const bytes = Buffer.alloc(COMPARED_BYTES);
    for (const position of [0, Math.max(0, size - COMPARED_BYTES)]) {
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, position);
      hash.update(bytes.subarray(0, bytesRead));
    }
    return hash.digest('hex');
  } finally {
    await handle.close();
  }
}
