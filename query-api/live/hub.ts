import { viewKey } from './block-events.js';
import { Channel, type LiveQuery } from './channel.js';
import type { LiveFeed } from './feed.js';
import { Throttle } from './throttle.js';
import { Subscriber } from './subscriber.js';

const HEARTBEAT_MS = 15_000;

/** Maximum lifetime of a stream: a client that reconnects is authenticated again. */
const MAX_STREAM_MS = 600_000;

/** Distributes new records to subscribers. Subscribes to the feed only while there are any. */
export class LiveHub {
  readonly #channels = new Map<string, Channel>();
  readonly #throttle = new Throttle();
  #unsubscribe: (() => void) | undefined;

  constructor(private readonly feed: LiveFeed) {}

  /**
   * Adds a subscriber. `filterText` is the filter as requested: subscribers with equal filters and access share a channel.
   */
  open(query: LiveQuery, filterText: string): Subscriber {
    const key = JSON.stringify([viewKey(query), filterText]);
    const channel = this.#channels.get(key) ?? new Channel(query, this.#throttle);
    this.#channels.set(key, channel);
    const subscriber = new Subscriber();
    channel.subscribers.add(subscriber);
    const heartbeat = setInterval(() => subscriber.sendHeartbeat(), HEARTBEAT_MS);
    const lifetime = setTimeout(() => subscriber.end(), MAX_STREAM_MS);
    subscriber.stream.once('close', () => {
      clearInterval(heartbeat);
      clearTimeout(lifetime);
      channel.subscribers.delete(subscriber);
      if (channel.subscribers.size === 0) this.#channels.delete(key);
      if (this.#channels.size === 0) this.#stop();
    });
    this.#unsubscribe ??= this.feed.subscribe((block) => {
      for (const one of this.#channels.values()) one.publish(block);
    });
    return subscriber;
  }

  /** Ends all streams. */
  close(): void {
    for (const { subscribers } of this.#channels.values())
      for (const subscriber of subscribers) subscriber.end();
    this.#stop();
  }

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }
}
