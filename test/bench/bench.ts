/** Owns what every bench shares: the shape of a result, medians, the machine's description, and temporary folders. */
import { spawn } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';

/** Fewer runs have no median worth the name. */
export const minRuns = 3;

export interface Row {
  readonly name: string;
  readonly unit: string;
  /** The median of our runs. */
  readonly ours: number;
  /** The median of the peer's runs in the same bench run; null where there is nobody to compare with. */
  readonly peer: number | null;
  readonly peerName: string | null;
  /** What `ours` may reach at most or must reach at least, in `unit`; null where only the ratio counts, or nothing. */
  readonly limit: number | null;
  /** `ours` divided by `peer`. */
  readonly ratio: number | null;
  /** The goal in words; null for a row that only informs. */
  readonly goal: string | null;
  readonly holds: boolean | null;
}

export interface BenchOptions {
  readonly quick: boolean;
  /** Progress, for people. */
  readonly say: (line: string) => void;
}

export interface Bench {
  readonly summary: string;
  run(options: BenchOptions): Promise<readonly Row[]>;
}

export interface Machine {
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  /** Of one, five and fifteen minutes, as the bench begins. Other work on the machine shows here. */
  readonly load: readonly number[];
}

export function describeMachine(): Machine {
  const [first] = cpus();
  return {
    platform: `${process.platform} ${process.arch}`,
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    load: loadavg().map(value => Math.round(value * 100) / 100),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

const round = (value: number) => (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)));

/** A row from the runs of both sides. `atLeast` and `atMost` bound `ours`; `ratioAtMost` and `ratioAtLeast` bound ours ÷ peer. */
export function rowOf(measured: {
  readonly name: string;
  readonly unit: string;
  readonly ours: readonly number[];
  readonly peer?: { readonly name: string; readonly values: readonly number[] };
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly ratioAtMost?: number;
  readonly ratioAtLeast?: number;
}): Row {
  const { name, unit, atLeast, atMost, ratioAtMost, ratioAtLeast } = measured;
  const ours = median(measured.ours);
  const peer = measured.peer ? median(measured.peer.values) : null;
  const ratio = peer === null ? null : ours / peer;
  const goals = [
    atLeast === undefined ? [] : [{ words: `at least ${atLeast} ${unit}`, holds: ours >= atLeast }],
    atMost === undefined ? [] : [{ words: `at most ${atMost} ${unit}`, holds: ours <= atMost }],
    ratioAtMost === undefined
      ? []
      : [{ words: `at most ${ratioAtMost} × the peer`, holds: ratio !== null && ratio <= ratioAtMost }],
    ratioAtLeast === undefined
      ? []
      : [{ words: `at least ${ratioAtLeast} × the peer`, holds: ratio !== null && ratio >= ratioAtLeast }],
  ].flat();
  return {
    name,
    unit,
    ours: round(ours),
    peer: peer === null ? null : round(peer),
    peerName: measured.peer?.name ?? null,
    limit: atLeast ?? atMost ?? null,
    ratio: ratio === null ? null : round(ratio),
    goal: goals.length === 0 ? null : goals.map(goal => goal.words).join(', '),
    holds: goals.length === 0 ? null : goals.every(goal => goal.holds),
  };
}

/** Runs `work` in an empty folder that is removed afterwards. */
export async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'slipway-bench-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Runs a program to its end and returns its stdout. Fails, with its stderr, when it does not succeed. */
export function runProgram(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-4_000);
    });
    child.once('error', reject);
    child.once('close', exitCode => {
      if (exitCode === 0) resolve(stdout);
      else reject(new Error(`${command} ended with ${exitCode}: ${stderr || stdout.slice(-2_000)}`));
    });
  });
}
