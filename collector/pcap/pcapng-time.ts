import type { CapturedPacket } from './captured-packet.js';

/** How an interface counts time (draft-ietf-opsawg-pcapng section 4.2). */
export interface InterfaceClock {
  readonly ticksPerSecond: number;
  /** The same, if it is too large for a number to be exact. */
  readonly manyTicksPerSecond: bigint | undefined;
  readonly offsetSeconds: number;
}

const TIME_RESOLUTION = 9;
const TIME_OFFSET = 14;
const END_OF_OPTIONS = 0;

/** Up to here, the remainder of a division times 2^16 is exact. */
const MAX_EXACT_TICKS = 2 ** 36;

/** Reads the clock from the options of an interface block, which lie from `from` to `to`. */
export function interfaceClock(view: DataView, from: number, to: number, isLittle: boolean): InterfaceClock {
  let resolution = 6;
  let offsetSeconds = 0;
  for (let at = from; at + 4 <= to;) {
    const code = view.getUint16(at, isLittle);
    const length = view.getUint16(at + 2, isLittle);
    if (code === END_OF_OPTIONS) break;
    if (code === TIME_RESOLUTION && at + 5 <= to) resolution = view.getUint8(at + 4);
    if (code === TIME_OFFSET && at + 12 <= to) offsetSeconds = Number(view.getBigInt64(at + 4, isLittle));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  const ticks = (resolution & 0x80 ? 2n : 10n) ** BigInt(resolution & 0x7f);
  return {
    ticksPerSecond: Number(ticks),
    manyTicksPerSecond: Number(ticks) > MAX_EXACT_TICKS ? ticks : undefined,
    offsetSeconds,
  };
}

/** Sets the time of a packet from the two halves of its ticks. */
export function setTime(packet: CapturedPacket, clock: InterfaceClock, high: number, low: number): void {
  const { ticksPerSecond, manyTicksPerSecond, offsetSeconds } = clock;
  if (manyTicksPerSecond !== undefined) {
    const ticks = (BigInt(high) << 32n) | BigInt(low);
    packet.seconds = Number(ticks / manyTicksPerSecond) + offsetSeconds;
    packet.nanos = Number(((ticks % manyTicksPerSecond) * 1_000_000_000n) / manyTicksPerSecond);
    return;
  }
  // Long division by digits of 16 bits, because 64 bits do not fit a number.
  let seconds = Math.floor(high / ticksPerSecond);
  let rest = high % ticksPerSecond;
  for (const digit of [low >>> 16, low & 0xffff]) {
    const part = rest * 65536 + digit;
    seconds = seconds * 65536 + Math.floor(part / ticksPerSecond);
    rest = part % ticksPerSecond;
  }
  packet.seconds = seconds + offsetSeconds;
  packet.nanos = ticksPerSecond === 1e9 ? rest : Math.floor((rest * 1e9) / ticksPerSecond);
}
