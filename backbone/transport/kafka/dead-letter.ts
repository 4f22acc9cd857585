import type { WireError } from '@sonde/model/batch/wire/wire-error';
import type { KafkaMessage, ProducerRecord } from 'kafkajs';
import type { KafkaNames } from './topics.js';

/** The dead-letter message for one that cannot be decoded: unchanged, with its offset and the reason in headers. */
export function deadLetter(
  { flows, dead }: KafkaNames,
  partition: number,
  { key, value, offset }: Pick<KafkaMessage, 'key' | 'value' | 'offset'>,
  error: WireError,
): ProducerRecord {
  const headers = {
    'sonde-reason': error.reason,
    'sonde-error': error.message,
    'sonde-topic': flows,
    'sonde-partition': String(partition),
    'sonde-offset': offset,
  };
  return { topic: dead, acks: -1, messages: [{ key, value, headers }] };
}
