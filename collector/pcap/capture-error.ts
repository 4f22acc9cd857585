/**
 * A capture file cannot be read, or not beyond some point: it does not exist, is no capture, is damaged or cut off. The
 * packets before were good.
 */
export class CaptureFileError extends Error {
  override readonly name = 'CaptureFileError';
  readonly code = 'SONDE_CAPTURE_UNREADABLE';
}
