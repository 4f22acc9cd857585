/** The partition does not reach to what is stored of it: it is another topic of the same name. */
export class TopicRecreatedError extends Error {
  override readonly name = 'TopicRecreatedError';
  constructor(topic: string, partition: number, next: number, end: number) {
    super(
      `partition ${partition} of ${topic} ends at offset ${end}, but the store has all of it up to ${next}: the ` +
        'topic was made anew, and its messages cannot be told from those that are stored. Use a new store, or empty ' +
        "the table `progress` of this one if none of the topic's old messages are in it any more.",
    );
  }
}

/**
 * ClickHouse asks for inserts of 10,000 to 100,000 rows (https://clickhouse.com/docs/optimize/bulk-inserts); and what is
 * short-lived costs the garbage collector less.
 */
