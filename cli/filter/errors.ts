/** A wrong command line; the message says what is wrong and what to write. */
export class CommandLineError extends Error {
  override readonly name = 'CommandLineError';
  readonly code = 'SONDE_COMMAND_LINE';
}
