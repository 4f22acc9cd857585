import { readFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector/promises';
import { figuresTable } from './figures-table.js';

/** CPU seconds by stage. */
export type CpuStages = Readonly<Record<string, number>>;

/** Used CPU time. */
export interface CpuSeconds {
  /** Of the thread that ran the work, including garbage collection on it. */
  readonly threadSeconds: number;
  /** Of the whole process: this thread, garbage collector threads, and any engine in the process. */
  readonly processSeconds: number;
}

/** The cost of some work. */
export interface CpuUse extends CpuSeconds {
  readonly stages: CpuStages;
}

/** A stage, and what the URL of a script or the name of a function (`url#function`) of it holds. */
export type StageMarks = readonly (readonly [stage: string, mark: string])[];

const SAMPLE_MICROS = 2_000;
/** Names under which the profiler reports waiting instead of work. */
const IDLE = '(idle)';
const ENGINE = { '(garbage collector)': 'garbage collection', '(program)': 'native code and system calls' };

/** Measures CPU use from its start to its end. */
export interface CpuMeter {
  end(): Promise<CpuUse>;
}

/**
 * Attributes this thread's CPU time from now on to stages: a sample counts for the stage of its innermost frame with a
 * mark. Samples give shares of the CPU time that the kernel counted for the thread, so that waiting on a busy machine
 * does not count.
 */
export async function startCpuMeter(marks: StageMarks): Promise<CpuMeter> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROS });
  await session.post('Profiler.start');
  const before = cpuSeconds();
  return {
    async end() {
      const used = cpuSeconds(before);
      const { profile } = await session.post('Profiler.stop');
      session.disconnect();
      return { ...used, stages: scaled(samplesByStage(profile, marks), used.threadSeconds) };
    },
  };
}

/** CPU time used since the start of this process, or since an earlier value. */
export function cpuSeconds(before = { threadSeconds: 0, processSeconds: 0 }): CpuSeconds {
  const { user, system } = process.cpuUsage();
  return {
    threadSeconds: threadSeconds() - before.threadSeconds,
    processSeconds: (user + system) / 1e6 - before.processSeconds,
  };
}

/** What was used while nothing was profiled, by the stages of like work that was: the profiler itself costs time. */
export function withStagesOf(used: CpuSeconds, profiled: CpuUse): CpuUse {
  const share = used.threadSeconds / profiled.threadSeconds;
  const stages = Object.entries(profiled.stages).map(([stage, seconds]) => [stage, seconds * share] as const);
  return { ...used, stages: Object.fromEntries(stages) };
}

/** The total cost of several pieces of work. */
export function addedUp(uses: readonly CpuUse[]): CpuUse {
  const stages: Record<string, number> = {};
  for (const use of uses) {
    for (const [stage, seconds] of Object.entries(use.stages)) stages[stage] = (stages[stage] ?? 0) + seconds;
  }
  const sum = (part: (use: CpuUse) => number) => uses.reduce((seconds, use) => seconds + part(use), 0);
  return {
    threadSeconds: sum((use) => use.threadSeconds),
    processSeconds: sum((use) => use.processSeconds),
    stages,
  };
}

/** Prints CPU seconds per million flows by stage. */
export function printStages(
  title: string,
  { threadSeconds, processSeconds, stages }: CpuUse,
  flows: number,
): void {
  const perMillion = (seconds: number) => (seconds / flows) * 1e6;
  const byTime = Object.entries(stages).sort(([, a], [, b]) => b - a);
  const table = {
    ...Object.fromEntries(byTime.map(([stage, seconds]) => [`  ${stage}`, perMillion(seconds)])),
    '  other threads (garbage collection, compilation, engine)': perMillion(processSeconds - threadSeconds),
    '  in all': perMillion(processSeconds),
  };
  console.log(`${title}, CPU seconds per million flows:\n${figuresTable(table)}`);
}

function samplesByStage({ nodes, samples = [] }: Profiler.Profile, marks: StageMarks): Map<string, number> {
  const parentOf = new Map<number, Profiler.ProfileNode>();
  for (const node of nodes) for (const child of node.children ?? []) parentOf.set(child, node);
  const stageOf = new Map<number, string>();
  for (const node of nodes) stageOf.set(node.id, findStage(node, parentOf, marks));
  const counts = new Map<string, number>();
  for (const sample of samples) {
    const stage = stageOf.get(sample) ?? OTHER;
    if (stage !== IDLE) counts.set(stage, (counts.get(stage) ?? 0) + 1);
  }
  return counts;
}

const OTHER = 'other';

function findStage(
  leaf: Profiler.ProfileNode,
  parentOf: ReadonlyMap<number, Profiler.ProfileNode>,
  marks: StageMarks,
): string {
  const { functionName } = leaf.callFrame;
  if (functionName === IDLE) return IDLE;
  if (functionName in ENGINE) return ENGINE[functionName as keyof typeof ENGINE];
  for (let node: Profiler.ProfileNode | undefined = leaf; node; node = parentOf.get(node.id)) {
    const place = `${node.callFrame.url}#${node.callFrame.functionName}`;
    const marked = marks.find(([, mark]) => place.includes(mark));
    if (marked) return marked[0];
  }
  return OTHER;
}

function scaled(counts: ReadonlyMap<string, number>, seconds: number): CpuStages {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return Object.fromEntries([...counts].map(([stage, count]) => [stage, (count / total) * seconds]));
}

/** CPU time of the main thread, from the scheduler's count in ns (proc(5), `schedstat`). */
function threadSeconds(): number {
  const [nanoseconds = ''] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1e9;
}
