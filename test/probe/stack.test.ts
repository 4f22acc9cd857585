import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whySkipLive } from '../e2e/live.js';
import { NodeNetwork } from './node-network.js';
import { watch } from './watch.js';

const reason = whySkipLive();

/** Stack limit of a program and the functions on a call path (MAX_BPF_STACK in kernel/bpf/verifier.c). */
const STACK_BYTES = 512;

/** Linux 6.1 rounds the stack of each function up to this (check_max_stack_depth); newer kernels round less. */
const ROUNDED_TO_BYTES = 32;

describe.skipIf(reason !== undefined)('the kernel programs', { timeout: 60_000 }, () => {
  let node: NodeNetwork;
  beforeAll(async () => {
    node = await NodeNetwork.make('stack', 1);
  });
  afterAll(async () => {
    await node.remove();
  });

  it('stay within the stack limit of older verifiers on every call path', async () => {
    const probe = await watch(node.netns, '--interface', 'pod1');
    const depths = [
      deepestStack(await listing(node, 'sonde_pod_in')),
      deepestStack(await listing(node, 'sonde_pod_out')),
    ];
    await probe.stop();
    for (const depth of depths) {
      expect(depth).toBeGreaterThan(ROUNDED_TO_BYTES);
      expect(depth).toBeLessThanOrEqual(STACK_BYTES);
    }
  });
});

/** Instructions of a loaded program, as printed by bpftool. */
async function listing(node: NodeNetwork, program: string): Promise<string> {
  const loaded = JSON.parse(await node.inNode('bpftool', '-j', 'prog', 'show', 'name', program)) as
    { id: number } | { id: number }[];
  // Other probes may start and exit meanwhile; they run the same programs.
  const ids = (Array.isArray(loaded) ? loaded : [loaded]).map(({ id }) => String(id));
  return Promise.any(ids.map((id) => node.inNode('bpftool', 'prog', 'dump', 'xlated', 'id', id)));
}

interface KernelFunction {
  stackBytes: number;
  readonly calls: Set<string>;
}

/** Maximum stack of a call path through a program, in bytes; `dump` is bpftool's listing. */
function deepestStack(dump: string): number {
  const functions = new Map<string, KernelFunction>();
  let first: KernelFunction | undefined, current: KernelFunction | undefined;
  let pointer: string | undefined; // register that the previous line set to the frame pointer
  for (const line of dump.split('\n')) {
    const name = /^\S.*?(\w+)\(.*\):$/.exec(line)?.[1];
    if (name !== undefined) {
      current = { stackBytes: 0, calls: new Set() };
      first ??= current;
      functions.set(name, current);
    }
    const accessed = /\(r10 -(\d+)\)/.exec(line)?.[1];
    const moved = /(r\d) \+= -(\d+)$/.exec(line);
    const bytes = Number(accessed ?? (moved?.[1] === pointer ? moved?.[2] : undefined) ?? 0);
    pointer = /(r\d) = r10$/.exec(line)?.[1];
    if (current) current.stackBytes = Math.max(current.stackBytes, bytes);
    const called = /call pc.*#bpf_prog_[0-9a-f]+_(\w+)/.exec(line)?.[1];
    if (called !== undefined) current?.calls.add(called);
  }
  const deepest = ({ stackBytes, calls }: KernelFunction): number => {
    const own = Math.ceil(Math.max(stackBytes, 1) / ROUNDED_TO_BYTES) * ROUNDED_TO_BYTES;
    const below = [...calls].map((name) => {
      const called = functions.get(name);
      if (!called) throw new Error(`the listing has no function ${name}`);
      return deepest(called);
    });
    return own + Math.max(0, ...below);
  };
  if (!first) throw new Error('the listing has no function');
  return deepest(first);
}
