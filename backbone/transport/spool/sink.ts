/** A message to deliver. */
export interface OutgoingMessage {
  /** Index of its record in the spool, from 0; increases within a topic. */
  readonly position: number;
  readonly topic: string;
  /** Messages with equal keys stay in order. */
  readonly key: string;
  readonly value: Uint8Array;
}

/** The destination of a spool. It stores the delivered position of the spool together with the messages. */
export interface SpoolSink {
  /** The topic of flows, and that of the copy of their lookups. */
  readonly topics: { readonly flows: string; readonly dns: string };
  /**
   * Connects for the spool with this name and fences earlier processes that delivered it. Resolves with the position up
   * to which it is delivered (exclusive), initially 0. Can be called again, and must be after a failed `send`.
   */
  open(stream: string): Promise<number>;
  /**
   * Delivers messages and stores `position`, both or neither. If it rejects, either may have happened; the next `open`
   * resolves with the truth.
   * @throws MessageTooLargeError if no message of this size can ever be delivered.
   */
  send(messages: readonly OutgoingMessage[], position: number): Promise<void>;
  close(): Promise<void>;
}

/** The messages are larger than the maximum of their topic. */
export class MessageTooLargeError extends Error {
  override readonly name = 'MessageTooLargeError';
  readonly code = 'SONDE_MESSAGE_TOO_LARGE';
}
