import { type CaptureCounts, LEFT_OUT } from './capture-counts.js';
import { type CaptureFormat, emptyPacket } from './captured-packet.js';
import { emptyLink, linkReader } from './link-layer.js';
import type { ReplayModule } from './replay-module.js';

/** Times of packets are from 1970 to 2106, as the seconds of pcap are. */
const MAX_SECONDS = 2 ** 32 - 1;

/** Longer packets do not exist, also not with segmentation offload. */
const MAX_LENGTH = 1 << 20;

/** A window that is to end. */
export interface DueWindow {
  /** When it ends, in microseconds since 1970. */
  readonly endMicros: number;
  /** Whether the packets that follow are of earlier times. */
  readonly isLast: boolean;
}

/** Counts the packets of a capture and tells when windows end. Hot path: makes no object per packet. */
export class PacketCounter {
  readonly #packet = emptyPacket();
  readonly #link = emptyLink();
  readonly #windowMicros: number;
  /** The packet was read, but belongs to the next window. */
  #isHeld = false;
  /** The packet's time; moved if the capture is paced. */
  #micros = 0;
  /** The latest time of a packet so far: the clock of the probe's code, which does not go back. */
  #clockMicros = -Infinity;
  #clockSeconds = 0;
  #clockNanos = 0;
  #windowEnd = Infinity;
  #shiftMicros: number | undefined;

  constructor(
    private readonly module: ReplayModule,
    private readonly counts: CaptureCounts,
    windowMs: number,
    /** Whether times are moved so that the first packet comes now, and no window is left out. */
    private readonly isPaced: boolean,
  ) {
    this.#windowMicros = windowMs * 1000;
    this.#shiftMicros = isPaced ? undefined : 0;
  }

  /** The window that is open at the end of the file; undefined if there were no packets. */
  get lastWindow(): DueWindow | undefined {
    return Number.isFinite(this.#windowEnd) ? { endMicros: this.#windowEnd, isLast: true } : undefined;
  }

  /**
   * Counts packets until a window is due to end, or until more bytes are needed (undefined).
   * @throws CaptureFileError if the file is damaged
   */
  countUntilDue(format: CaptureFormat): DueWindow | undefined {
    for (;;) {
      if (!this.#isHeld && !this.#next(format)) return undefined;
      const due = this.#dueBefore();
      this.#isHeld = due !== undefined;
      if (due) return due;
      if (this.module.count(this.#packet, this.#link, this.#clockSeconds, this.#clockNanos))
        return { endMicros: Math.floor(this.#clockMicros) + 1, isLast: false };
    }
  }

  /** Moves to the next packet that can be counted; the others are counted as left out. */
  #next(format: CaptureFormat): boolean {
    while (format.next(this.#packet)) {
      this.counts.packets += 1;
      const reason = this.#readTime() ?? this.#readLength() ?? this.#readLink();
      if (reason === undefined) return true;
      this.counts.leaveOut(reason);
    }
    return false;
  }

  #readTime(): string | undefined {
    const { seconds, nanos } = this.#packet;
    if (Number.isNaN(seconds)) {
      // A packet without a time came about when the one before did.
      if (this.#clockMicros === -Infinity) return LEFT_OUT.withoutTime;
      this.#micros = this.#clockMicros;
      return undefined;
    }
    if (seconds < 0 || seconds > MAX_SECONDS || nanos >= 1e9) return LEFT_OUT.absurdTime;
    const micros = seconds * 1e6 + nanos / 1000;
    this.counts.sight(micros);
    this.#shiftMicros ??= Date.now() * 1000 - Math.floor(micros);
    this.#micros = micros + this.#shiftMicros;
    return undefined;
  }

  /** The length of damaged packets may be less than what is there of them. */
  #readLength(): string | undefined {
    const packet = this.#packet;
    if (packet.length > MAX_LENGTH) return LEFT_OUT.absurdLength;
    if (packet.length < packet.captured) packet.length = packet.captured;
    return undefined;
  }

  #readLink(): string | undefined {
    const { linkType, offset, captured, direction } = this.#packet;
    const link = this.#link;
    const read = linkReader(linkType);
    this.counts.sightLinkType(linkType);
    if (!read) return LEFT_OUT.linkType;
    link.direction = direction;
    link.offset = offset;
    return read(this.module.input.view, offset, offset + captured, link) ? undefined : LEFT_OUT.malformed;
  }

  /** The window that ends before the packet; moves the clock if there is none. */
  #dueBefore(): DueWindow | undefined {
    const micros = this.#micros;
    if (this.#windowEnd === Infinity) this.#windowEnd = micros + this.#windowMicros;
    if (micros >= this.#windowEnd) {
      const endMicros = this.#windowEnd;
      // A silence longer than a window makes no empty windows, unless windows come in real time.
      const silent = this.isPaced ? 0 : Math.floor((micros - endMicros) / this.#windowMicros);
      this.#windowEnd += (silent + 1) * this.#windowMicros;
      return { endMicros, isLast: false };
    }
    if (micros < this.#clockMicros - this.#windowMicros) {
      // The clock was set back, or captures were put one after the other.
      const endMicros = this.#windowEnd;
      this.#clockMicros = -Infinity;
      this.#windowEnd = micros + this.#windowMicros;
      return { endMicros, isLast: true };
    }
    if (micros > this.#clockMicros) this.#setClock(micros);
    return undefined;
  }

  #setClock(micros: number): void {
    this.#clockMicros = micros;
    if (this.#shiftMicros === 0 && !Number.isNaN(this.#packet.seconds)) {
      this.#clockSeconds = this.#packet.seconds;
      this.#clockNanos = this.#packet.nanos;
    } else {
      this.#clockSeconds = Math.floor(micros / 1e6);
      this.#clockNanos = Math.floor((micros - this.#clockSeconds * 1e6) * 1000);
    }
  }
}
