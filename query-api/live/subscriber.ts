import { Readable } from 'node:stream';

/** Maximum size of the events that wait for a subscriber; further events are dropped. */
const MAX_BUFFERED_BYTES = 1 << 20;

/**
 * One client's stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). A record
 * is an event without a name; `dropped` events report how many records were dropped since the last one because the client
 * or the API could not keep up.
 */
export class Subscriber {
  readonly stream = new Readable({ read: () => undefined });
  #dropped = 0;
  #isMore = false;
  #hasEnded = false;

  constructor() {
    // How long clients wait before they reconnect, in milliseconds.
    this.stream.push('retry: 2000\n\n');
  }

  /**
   * Sends events with `count` records, unless there is no room. `dropped` records were dropped before; `isMore` if further
   * ones were dropped that may have matched.
   */
  send(events: Buffer, count: number, dropped: { records: number; isMore: boolean }): void {
    if (this.#hasEnded) return;
    this.#dropped += dropped.records;
    this.#isMore ||= dropped.isMore;
    if (!this.hasRoom(events.length)) {
      this.#dropped += count;
      return;
    }
    if (events.length > 0) this.stream.push(events);
    if (this.#dropped === 0 && !this.#isMore) return;
    this.stream.push(`event: dropped\ndata: {"records":${this.#dropped},"more":${this.#isMore}}\n\n`);
    this.#dropped = 0;
    this.#isMore = false;
  }

  /** Whether there is room for further bytes. */
  hasRoom(bytes: number): boolean {
    return this.stream.readableLength + bytes <= MAX_BUFFERED_BYTES;
  }

  /** Sends a comment, which keeps the connection open and detects whether it is. */
  sendHeartbeat(): void {
    if (this.stream.readableLength === 0 && !this.#hasEnded) this.stream.push(':\n\n');
  }

  /** Ends the stream; the client reconnects. */
  end(): void {
    this.#hasEnded = true;
    this.stream.push(null);
  }
}
