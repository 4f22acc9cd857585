/** CSV with a header line (RFC 4180, RFC 7111). */
export const CSV_MEDIA_TYPE = 'text/csv; charset=utf-8; header=present';

/** An Arrow IPC stream (https://www.iana.org/assignments/media-types/application/vnd.apache.arrow.stream). */
export const ARROW_MEDIA_TYPE = 'application/vnd.apache.arrow.stream';
