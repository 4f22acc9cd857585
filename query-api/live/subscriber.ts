import { Readable } from 'node:stream';

/** Most bytes that wait for one viewer; what comes while they do is left out. */
const MAX_BUFFERED_BYTES = 1 << 20;

/**
 * One client's stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). A record
 * is an event without a name; `dropped` events say how many were left out since the last one, because the client, or
 * the API, could not keep up.
 */
export class Subscriber {
  readonly stream = new Readable({ read: () => undefined });
  #dropped = 0;
  #isMore = false;
  #hasEnded = false;

  constructor() {
    // How long a client waits before it comes back, in milliseconds.
    this.stream.push('retry: 2000\n\n');
  }

  /**
   * Sends events that hold `shown` records, unless too much waits. `leftOut` were not even written, and maybe more of which
   * it is not known how many were for this viewer.
   */
  send(events: Buffer, shown: number, leftOut: { records: number; isMore: boolean }): void {
    if (this.#hasEnded) return;
    this.#dropped += leftOut.records;
    this.#isMore ||= leftOut.isMore;
    if (!this.hasRoom(events.length)) {
      this.#dropped += shown;
      return;
    }
    if (events.length > 0) this.stream.push(events);
    if (this.#dropped === 0 && !this.#isMore) return;
    this.stream.push(`event: dropped\ndata: {"records":${this.#dropped},"more":${this.#isMore}}\n\n`);
    this.#dropped = 0;
    this.#isMore = false;
  }

  /** Whether so many bytes can wait besides those that do. */
  hasRoom(bytes: number): boolean {
    return this.stream.readableLength + bytes <= MAX_BUFFERED_BYTES;
  }

  /** A comment, which keeps the connection open and tells whether it still is. */
  sendHeartbeat(): void {
    if (this.stream.readableLength === 0 && !this.#hasEnded) this.stream.push(':\n\n');
  }

  /** Ends the stream; the client comes back by itself. */
  end(): void {
    this.#hasEnded = true;
    this.stream.push(null);
  }
}
