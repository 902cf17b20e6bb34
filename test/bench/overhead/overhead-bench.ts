/** Owns the bench of what Slipway adds to a build: steps that take no time, from the claim to the finished log, part by part. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { listSteps } from '../../../src-main/database/attempts.ts';
import type { JobRecord } from '../../../src-main/database/jobs.ts';
import { pipeline, startBuilds } from '../../support/builds.ts';
import { type Bench, type BenchOptions, median, type Row, rowOf, runProgram } from '../bench.ts';

const steps = ['true', 'true', 'true'];

/** Milliseconds of the parts of one build; `artifact` is what the goal leaves aside. */
interface Parts {
  readonly beforeFirstStep: number;
  readonly checkout: number;
  readonly plan: number;
  readonly toolChain: number;
  readonly steps: number;
  readonly records: number;
  readonly artifact: number;
  readonly overhead: number;
}

type Builds = Awaited<ReturnType<typeof startBuilds>>;

async function partsOf({ db }: Builds, job: JobRecord): Promise<Parts> {
  if (job.status !== 'succeeded') throw new Error(`The build ended as ${job.status}: ${job.error}`);
  const attempt = await db.selectFrom('attempts').selectAll().where('jobId', '=', job.id).executeTakeFirstOrThrow();
  const recorded = await listSteps(db, job.id, job.attempt);
  const lasting = (phase: string) =>
    recorded
      .filter(step => step.phase === phase)
      .reduce((sum, step) => sum + (step.finishedAt ?? 0) - (step.startedAt ?? 0), 0);
  const total = (job.finishedAt ?? 0) - attempt.startedAt;
  const beforeFirstStep = (recorded[0]?.startedAt ?? 0) - attempt.startedAt;
  const [checkout, plan, toolChain, own] = [
    lasting('checkout'),
    lasting('plan'),
    lasting('toolchain'),
    lasting('build'),
  ];
  const artifact = lasting('pack') + lasting('publish');
  const records = total - beforeFirstStep - checkout - plan - toolChain - own - artifact;
  return {
    ...{ beforeFirstStep, checkout, plan, toolChain, steps: own, records, artifact },
    overhead: total - artifact,
  };
}

/** The same by hand: clone, and one shell per command. */
async function byHand(source: string, target: string): Promise<number> {
  const startedAt = performance.now();
  await runProgram('git', ['clone', '--quiet', '--no-local', source, target]);
  for (const command of steps) await runProgram('/bin/sh', ['-e', '-c', command]);
  const ms = performance.now() - startedAt;
  await rm(target, { recursive: true });
  return ms;
}

async function measure(builds: Builds, { quick, say }: BenchOptions): Promise<readonly Row[]> {
  const repository = await builds.createRepository();
  const push = async (number: number) =>
    partsOf(
      builds,
      await builds.ended(
        (await repository.push({ 'slipway.yml': pipeline(...steps), 'src/number.txt': `${number}\n` })).id,
      ),
    );
  const first = await push(0);
  const runs: Parts[] = [];
  const peer: number[] = [];
  await mkdir(join(builds.root, 'by-hand'));
  for (let number = 1; number <= (quick ? 5 : 15); number += 1) {
    const parts = await push(number);
    runs.push(parts);
    peer.push(await byHand(repository.source, join(builds.root, 'by-hand', String(number))));
    say(`build ${number}: ${parts.overhead} ms, artifact ${parts.artifact} ms; by hand ${Math.round(median(peer))} ms`);
  }
  const informing = (name: string, part: keyof Parts) =>
    rowOf({ name, unit: 'ms', ours: runs.map(parts => parts[part]) });
  return [
    rowOf({
      name: 'claim to finished log, artifact aside',
      unit: 'ms',
      ours: runs.map(parts => parts.overhead),
      peer: { name: 'git clone, sh × 3', values: peer },
      atMost: 500,
    }),
    informing('  to the first step', 'beforeFirstStep'),
    informing('  checkout', 'checkout'),
    informing('  plan', 'plan'),
    informing('  tool chain', 'toolChain'),
    informing('  three empty steps', 'steps'),
    informing('  records and log', 'records'),
    informing('the artifact, aside', 'artifact'),
    rowOf({ name: 'first build of a repository', unit: 'ms', ours: [first.overhead] }),
  ];
}

export const overheadBench: Bench = {
  summary: 'what Slipway adds to a build whose steps take no time, from the claim to the finished log',
  async run(options) {
    const undo: (() => void | Promise<void>)[] = [];
    try {
      return await measure(
        await startBuilds({
          onEnd: clean => {
            undo.push(clean);
          },
        }),
        options,
      );
    } finally {
      for (const clean of undo.reverse()) await clean();
    }
  },
};
