import { viewKey } from './block-events.js';
import { Channel, type LiveQuery } from './channel.js';
import type { LiveFeed } from './feed.js';
import { Throttle } from './throttle.js';
import { Subscriber } from './subscriber.js';

const HEARTBEAT_MS = 15_000;

/** Maximum lifetime of a stream: a client that reconnects is authenticated again. */
const MAX_STREAM_MS = 600_000;

/** Brings what comes to the store to those who watch. Follows the feed only while somebody does. */
export class LiveHub {
  readonly #channels = new Map<string, Channel>();
  readonly #pace = new Throttle();
  #unsubscribe: (() => void) | undefined;

  constructor(private readonly feed: LiveFeed) {}

  /**
   * A new viewer. `text` is the filter as it was asked for: who asks the same and may see the same shares a channel.
   */
  open(question: LiveQuery, text: string): Subscriber {
    const key = JSON.stringify([viewKey(question), text]);
    const channel = this.#channels.get(key) ?? new Channel(question, this.#pace);
    this.#channels.set(key, channel);
    const viewer = new Subscriber();
    channel.subscribers.add(viewer);
    const beat = setInterval(() => viewer.sendHeartbeat(), HEARTBEAT_MS);
    const longest = setTimeout(() => viewer.end(), MAX_STREAM_MS);
    viewer.stream.once('close', () => {
      clearInterval(beat);
      clearTimeout(longest);
      channel.subscribers.delete(viewer);
      if (channel.subscribers.size === 0) this.#channels.delete(key);
      if (this.#channels.size === 0) this.#stop();
    });
    this.#unsubscribe ??= this.feed.subscribe((block) => {
      for (const one of this.#channels.values()) one.publish(block);
    });
    return viewer;
  }

  /** Ends all streams. */
  close(): void {
    for (const { subscribers } of this.#channels.values()) for (const viewer of subscribers) viewer.end();
    this.#stop();
  }

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }
}
