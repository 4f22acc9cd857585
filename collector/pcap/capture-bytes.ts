import { createReadStream } from 'node:fs';
import { addAbortSignal, pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CaptureFileError } from './capture-error.js';

/** Name of standard input in place of a file. */
export const STANDARD_INPUT = '-';

/** Chunks are at most this long. */
export const MAX_CHUNK_BYTES = 1 << 20;

/** Compressions that are recognized, but not read, by their first bytes. */
const OTHER_COMPRESSIONS: readonly (readonly [magic: string, program: string])[] = [
  ['28b52ffd', 'zstd'],
  ['fd377a585a00', 'xz'],
  ['425a68', 'bzip2'],
  ['04224d18', 'lz4'],
];

/**
 * The bytes of a capture file, or of standard input if the file is `-`. Decompresses gzip (RFC 1952).
 * @throws CaptureFileError if the file cannot be read or decompressed; what came before was good.
 */
export async function* captureBytes(file: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const input =
    file === STANDARD_INPUT ? process.stdin : createReadStream(file, { highWaterMark: MAX_CHUNK_BYTES });
  addAbortSignal(signal, input);
  try {
    yield* decompressed(input as AsyncIterable<Buffer>);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof CaptureFileError || !(error instanceof Error)) throw error;
    throw new CaptureFileError(reasonOf(error), { cause: error });
  }
}

async function* decompressed(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = input[Symbol.asyncIterator]();
  let begin = Buffer.alloc(0);
  while (begin.length < 6) {
    const next = await chunks.next();
    if (next.done === true) break;
    begin = Buffer.concat([begin, next.value]);
  }
  for (const [magic, program] of OTHER_COMPRESSIONS) {
    if (begin.toString('hex', 0, magic.length / 2) === magic)
      throw new CaptureFileError(
        `compressed by ${program}, which is not supported; pipe it: ${program} -dc FILE | sonde up --pcap -`,
      );
  }
  const all = { [Symbol.asyncIterator]: () => withBegin(begin, chunks) };
  if (begin[0] !== 0x1f || begin[1] !== 0x8b) {
    yield* all;
    return;
  }
  const gunzip = createGunzip({ chunkSize: 1 << 18 });
  // The loop below throws a failure of either stream.
  pipeline(Readable.from(all), gunzip, () => undefined);
  yield* gunzip as AsyncIterable<Buffer>;
}

async function* withBegin(begin: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    if (begin.length > 0) yield begin;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    // Also when the consumer stops: closes the file.
    await rest.return?.();
  }
}

function reasonOf(error: Error & { code?: string }): string {
  switch (error.code) {
    case 'ENOENT':
      return 'no such file';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    case 'Z_BUF_ERROR':
      return 'the gzip data is cut off';
    default:
      return error.code?.startsWith('Z_') === true
        ? `the gzip data is damaged (${error.message})`
        : error.message;
  }
}
