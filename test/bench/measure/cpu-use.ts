import { readFileSync } from 'node:fs';
import { type Profiler, Session } from 'node:inspector/promises';
import { figuresTable } from './figures-table.js';

/** CPU seconds by the name of the stage that they were spent in. */
export type CpuStages = Readonly<Record<string, number>>;

/** CPU time that was used. */
export interface CpuSeconds {
  /** By the thread that ran the work: garbage collection on it included. */
  readonly threadSeconds: number;
  /** By the whole process: that thread, the garbage collector's helpers, and any engine in the process. */
  readonly processSeconds: number;
}

/** What some work cost. */
export interface CpuUse extends CpuSeconds {
  readonly stages: CpuStages;
}

/** A stage, and what the URL of a script or the name of a function (`url#function`) of it holds. */
export type StageMarks = readonly (readonly [stage: string, mark: string])[];

const SAMPLE_MICROS = 2_000;
/** What the profiler calls time that is nobody's script: waiting, not work. */
const IDLE = '(idle)';
const ENGINE = { '(garbage collector)': 'garbage collection', '(program)': 'native code and system calls' };

/** Measures what is done between its start and its end. */
export interface CpuMeter {
  end(): Promise<CpuUse>;
}

/**
 * Tells where this thread's CPU time goes from now on: a stage takes the samples whose innermost frame that has a
 * mark is its. Samples tell shares alone; what they are shares of is the CPU time that the kernel counted for the
 * thread, so that waiting for a busy machine does not count.
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

/** What this process has used since it began; or since it had used so much. */
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

/** What several pieces of work cost together. */
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

/** Prints where the time went, in CPU seconds for a million flows. */
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

/** CPU time of the process's first thread, from the scheduler's own count in ns (proc(5), `schedstat`). */
function threadSeconds(): number {
  const [nanoseconds = ''] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1e9;
}
