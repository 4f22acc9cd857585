/** A partition ends before its stored offset, so the topic was recreated with the same name. */
export class TopicRecreatedError extends Error {
  override readonly name = 'TopicRecreatedError';
  readonly code = 'SONDE_KAFKA_TOPIC_RECREATED';
  constructor(topic: string, partition: number, next: number, end: number) {
    super(
      `partition ${partition} of ${topic} ends at offset ${end}, but records up to ${next} are stored: the topic was ` +
        'recreated, and its messages cannot be distinguished from the stored ones. Use a new store, or empty the table ' +
        "`progress` of this store if it contains no records of the old topic's messages anymore.",
    );
  }
}
