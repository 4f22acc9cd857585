/** A message on its way out. */
export interface OutgoingMessage {
  /** Counts the spool's messages, from 0. */
  readonly position: number;
  readonly topic: string;
  /** Messages of equal keys stay in order. */
  readonly key: string;
  readonly value: Uint8Array;
}

/** Where a spool is delivered to. It remembers, together with the messages, how far the spool was delivered. */
export interface SpoolSink {
  /** Where flows go, and the copy of their lookups. */
  readonly topics: { readonly flows: string; readonly dns: string };
  /**
   * Connects for the spool of this name, and shuts out whoever delivered it before. Resolves with the position up to
   * which all of it was delivered (exclusive), 0 at first. May be called again, and must be after a failed `send`.
   */
  open(stream: string): Promise<number>;
  /**
   * Delivers messages and remembers `position`, both or neither. If it rejects, either may have happened: what
   * `open` says then is true.
   * @throws MessageTooLargeError if no message of this size can ever be delivered.
   */
  send(messages: readonly OutgoingMessage[], position: number): Promise<void>;
  close(): Promise<void>;
}

/** The messages are larger than their topic takes. */
export class MessageTooLargeError extends Error {
  override readonly name = 'MessageTooLargeError';
}
