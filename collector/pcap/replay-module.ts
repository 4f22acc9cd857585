import { randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { MAX_CHUNK_BYTES } from './capture-bytes.js';
import { type CapturedPacket, MAX_PACKET_BYTES } from './captured-packet.js';
import type { Link } from './link-layer.js';
import { PacketBuffer } from './packet-buffer.js';

/** Sizes of the tables, whose defaults are those of flowprobe. */
export interface ReplayTables {
  /** Flows of a window; a window ends early when three quarters are in use. */
  readonly maxFlows?: number;
  /** Connections tracked across windows; the least recently used are evicted. */
  readonly maxConnections?: number;
}

/** The program that counts packets is not built; the message says how to build it. */
export class ReplayNotBuiltError extends Error {
  override readonly name = 'ReplayNotBuiltError';
  readonly code = 'SONDE_REPLAY_NOT_BUILT';
}

/** The program that counts packets failed, for lack of memory; it cannot be used any more. */
export class ReplayFailedError extends Error {
  override readonly name = 'ReplayFailedError';
  readonly code = 'SONDE_REPLAY_FAILED';
}

/** The exports of bpf-probe/replay/replay.c. */
interface ReplayExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Runs what C runs before main(). */
  _initialize(): void;
  replay_open(maxFlows: number, maxConnections: number, windowMs: number, inputBytes: number): number;
  replay_packet(
    offset: number,
    captured: number,
    length: number,
    headerBytes: number,
    etherType: number,
    vlan: number,
    direction: number,
    interfaceNumber: number,
    mayRepeat: number,
    seconds: number,
    nanos: number,
  ): number;
  replay_end_window(seconds: number, nanos: number, isLast: number): void;
  replay_copies_skipped(): number;
}

/** Room for a chunk behind an incomplete packet. */
const INPUT_BYTES = MAX_CHUNK_BYTES + 4 * MAX_PACKET_BYTES;

/** The probe's own code, compiled to WebAssembly, with its maps and its output. */
export class ReplayModule {
  /** Where packets must be. */
  readonly input: PacketBuffer;
  readonly #exports: ReplayExports;
  #output: Buffer[] = [];
  #lastMessage = '';

  /** @throws ReplayNotBuiltError */
  constructor(windowMs: number, { maxFlows = 65_536, maxConnections = 262_144 }: ReplayTables = {}) {
    const { exports } = new WebAssembly.Instance(compiledModule(), {
      host: {
        write: (at: number, size: number) => {
          this.#output.push(Buffer.from(this.#bytes(at, size)));
        },
        log: (at: number, size: number) => {
          this.#lastMessage = Buffer.from(this.#bytes(at, size)).toString();
        },
      },
      wasi_snapshot_preview1: {
        random_get: (at: number, size: number) => {
          randomFillSync(this.#bytes(at, size));
          return 0;
        },
      },
    });
    this.#exports = exports as unknown as ReplayExports;
    this.#exports._initialize();
    const at = this.#exports.replay_open(maxFlows, maxConnections, windowMs, INPUT_BYTES);
    this.input = new PacketBuffer(this.#exports.memory, at >>> 0, INPUT_BYTES);
  }

  /**
   * Counts a packet of the input. Returns true if the window should end now, because its table is filling up.
   * @throws ReplayFailedError
   */
  count(packet: CapturedPacket, link: Link, seconds: number, nanos: number): boolean {
    const before = link.offset - packet.offset;
    try {
      const isFillingUp = this.#exports.replay_packet(
        link.offset,
        packet.captured - before,
        packet.length - before,
        link.headerBytes,
        link.etherType,
        link.vlan,
        link.direction,
        (packet.interfaceNumber << 16) ^ link.interfaceIndex,
        packet.mayRepeat || link.ofManyInterfaces ? 1 : 0,
        seconds,
        nanos,
      );
      return isFillingUp !== 0;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /**
   * Ends the window at a time (microseconds) that no packet counted is after.
   * @throws ReplayFailedError
   */
  endWindow(micros: number, isLast: boolean): void {
    const seconds = Math.floor(micros / 1e6);
    try {
      this.#exports.replay_end_window(seconds, Math.floor((micros - seconds * 1e6) * 1000), isLast ? 1 : 0);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Packets that were not counted because they are copies of others, seen at another interface. */
  get copiesSkipped(): number {
    return this.#exports.replay_copies_skipped();
  }

  /** The probe's stream since the last call. */
  takeOutput(): Buffer[] {
    const output = this.#output;
    this.#output = [];
    return output;
  }

  #failure(trap: unknown): unknown {
    if (!(trap instanceof WebAssembly.RuntimeError)) return trap;
    return new ReplayFailedError(this.#lastMessage || trap.message, { cause: trap });
  }

  #bytes(at: number, size: number): Uint8Array {
    return new Uint8Array(this.#exports.memory.buffer, at >>> 0, size);
  }
}

let compiled: WebAssembly.Module | undefined;

/**
 * The compiled program, of which each file gets an instance.
 * @throws ReplayNotBuiltError
 */
export function compiledModule(): WebAssembly.Module {
  return (compiled ??= new WebAssembly.Module(readProgram()));
}

function readProgram(): Buffer<ArrayBuffer> {
  const workspace = path.dirname(createRequire(import.meta.url).resolve('@sonde/bpf-probe/package.json'));
  const file = path.join(workspace, 'build/replay.wasm');
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ReplayNotBuiltError(
      `cannot read capture files: ${file} is not built; install clang, lld and wasi-libc (Debian's names) and run \`npm run setup\``,
      { cause: error },
    );
  }
}
