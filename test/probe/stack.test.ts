import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whySkipLive } from '../e2e/live.js';
import { NodeNetwork } from './node-network.js';
import { watch } from './watch.js';

const reason = whySkipLive();

/** kernel/bpf/verifier.c: what a program and the functions that it calls may have together (MAX_BPF_STACK). */
const STACK_BYTES = 512;

/** What Linux 6.1 rounds every function's part up to (check_max_stack_depth); newer kernels are milder. */
const ROUNDED_TO_BYTES = 32;

describe.skipIf(reason !== undefined)('the kernel programs', { timeout: 60_000 }, () => {
  let node: NodeNetwork;
  beforeAll(async () => {
    node = await NodeNetwork.make('stack', 1);
  });
  afterAll(async () => {
    await node.remove();
  });

  it('keep within the stack that older verifiers allow, along every path of calls', async () => {
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

/** The instructions of a program that is loaded, as bpftool prints them. */
async function listing(node: NodeNetwork, program: string): Promise<string> {
  const loaded = JSON.parse(await node.inNode('bpftool', '-j', 'prog', 'show', 'name', program)) as
    { id: number } | { id: number }[];
  // Other probes may come and go meanwhile; they run the same programs.
  const ids = (Array.isArray(loaded) ? loaded : [loaded]).map(({ id }) => String(id));
  return Promise.any(ids.map((id) => node.inNode('bpftool', 'prog', 'dump', 'xlated', 'id', id)));
}

interface KernelFunction {
  stackBytes: number;
  readonly calls: Set<string>;
}

/** The most stack, in bytes, that a path of calls through a program takes; `dump` is bpftool's listing of it. */
function deepestStack(dump: string): number {
  const functions = new Map<string, KernelFunction>();
  let first: KernelFunction | undefined, current: KernelFunction | undefined;
  let pointer: string | undefined; // the register that the line before made point to the stack's end
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
      if (!called) throw new Error(`${name} is called, but not in the listing`);
      return deepest(called);
    });
    return own + Math.max(0, ...below);
  };
  if (!first) throw new Error('the listing holds no function');
  return deepest(first);
}
