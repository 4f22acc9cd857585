import { linkTypeName } from './link-layer.js';

/** Why a packet of a file is in no flow; the names of the counters. Others are counted by the probe's code. */
export const LEFT_OUT = {
  absurdTime: 'packets_absurd_time',
  absurdLength: 'packets_absurd_length',
  withoutTime: 'packets_without_time',
  linkType: 'packets_link_type_not_supported',
  malformed: 'packets_malformed',
} as const;

/** What a capture file held. */
export interface CaptureSummary {
  readonly file: string;
  /** Packets read, also those that are in no flow. */
  readonly packets: number;
  /** Of the earliest and the latest packet with a possible time, in ms since 1970; undefined if there is none. */
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  /** Packets in no flow, by reason: names of the probe's counters (bpf-probe/PROTOCOL.md) and of {@link LEFT_OUT}. */
  readonly leftOut: ReadonlyMap<string, number>;
  /** Names of the packets' link types. */
  readonly linkTypes: readonly string[];
  /** Why the file was not read to its end. */
  readonly problem: string | undefined;
}

/** Counts what is read of a file and what of it cannot be counted as flows. */
export class CaptureCounts {
  packets = 0;
  firstMicros = Infinity;
  lastMicros = -Infinity;
  readonly #leftOut = new Map<string, number>();
  readonly #linkTypes = new Set<number>();
  #lastLinkType = -1;

  leaveOut(reason: string): void {
    this.#leftOut.set(reason, (this.#leftOut.get(reason) ?? 0) + 1);
  }

  sightLinkType(linkType: number): void {
    if (linkType === this.#lastLinkType) return;
    this.#lastLinkType = linkType;
    this.#linkTypes.add(linkType);
  }

  /** Counts a packet's time. */
  sight(micros: number): void {
    if (micros < this.firstMicros) this.firstMicros = micros;
    if (micros > this.lastMicros) this.lastMicros = micros;
  }

  /** The counters of the probe's code with those of the file. */
  with(probeCounters: ReadonlyMap<string, number>, copies: number): Map<string, number> {
    const counters = new Map(probeCounters);
    for (const reason of Object.values(LEFT_OUT))
      counters.set(reason, (probeCounters.get(reason) ?? 0) + (this.#leftOut.get(reason) ?? 0));
    return counters.set('packets_copied', copies);
  }

  summary(file: string, counters: ReadonlyMap<string, number>, problem: string | undefined): CaptureSummary {
    const names = [...Object.values(LEFT_OUT), 'packets_not_ip', 'packets_copied'];
    return {
      file,
      packets: this.packets,
      firstMs: Number.isFinite(this.firstMicros) ? this.firstMicros / 1000 : undefined,
      lastMs: Number.isFinite(this.lastMicros) ? this.lastMicros / 1000 : undefined,
      leftOut: new Map(
        names.map((name) => [name, counters.get(name) ?? 0] as const).filter(([, count]) => count > 0),
      ),
      linkTypes: [...this.#linkTypes].map(linkTypeName),
      problem,
    };
  }
}
