/** Owns `slipway demo`: builds its world, runs the stages, prints the timeline, and leaves nothing behind. */
import { access } from 'node:fs/promises';
import { messageOf } from '../../contract/errors.ts';
import { dataFolder } from '../../domain/data-folder.ts';
import { formatSize } from '../../domain/format-size.ts';
import { callEngine } from '../engine-client.ts';
import { type OutputOptions, print, say } from '../output.ts';
import { DemoFailure } from './checks.ts';
import { createDemoWorld, type DemoWorld } from './demo-world.ts';
import { watchLoop } from './loop-watch.ts';
import { runStages, type Stage } from './stages.ts';

interface DemoReport {
  readonly succeeded: boolean;
  readonly totalMs: number;
  /** The longest time that the engine's event loop was held, milliseconds. */
  readonly eventLoopMaxMs: number;
  /** The part of it, at the most, in which the engine's own work took the processor. */
  readonly eventLoopMaxOwnMs: number;
  readonly stages: readonly Stage[];
  readonly failure: string | null;
}

function lineOf({ name, ms, bytes, bytesBySource, checked }: Stage): string {
  const size = bytes === null ? '' : formatSize(bytes);
  const sources = bytesBySource
    ? ` (peers ${formatSize(bytesBySource.peers)}, region ${formatSize(bytesBySource.region)}, reuse ${formatSize(bytesBySource.reuse)})`
    : '';
  return `${String(ms).padStart(6)} ms  ${size.padStart(9)}  ${name}${sources}, ${checked.length} checks`;
}

/** Fails unless the processes and the folder of a stopped world are gone. */
async function checkGone(world: DemoWorld): Promise<string[]> {
  for (const { name, process: child } of world.agents) {
    if (child.exitCode === null && child.signalCode === null) throw new DemoFailure(`The agent ${name} still runs.`);
  }
  const left = await access(world.folder).then(
    () => true,
    () => false,
  );
  if (left) throw new DemoFailure(`The folder ${world.folder} is still there.`);
  return ['no process of the demo runs', 'its folder is gone'];
}

/** Runs the demo; true when every stage held. */
export async function runDemo(options: OutputOptions): Promise<boolean> {
  const startedAt = performance.now();
  const stages: Stage[] = [];
  const onStage = (stage: Stage) => {
    stages.push(stage);
    if (!options.json) say(lineOf(stage));
  };
  let failure: string | null = null;
  let world: DemoWorld | null = null;
  const loop = watchLoop();
  const interrupt = () => void world?.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const begun = performance.now();
    const created = await createDemoWorld();
    world = created;
    onStage({
      name: 'engine started',
      ms: Math.round(performance.now() - begun),
      bytes: null,
      checked: ['it answers'],
    });
    await callEngine({ data: dataFolder(`${created.folder}/data`).root }, client =>
      runStages({ world: created, client, onStage }),
    );
    loop.stop();
    const ending = performance.now();
    await created.stop();
    onStage({
      name: 'everything ended and removed',
      ms: Math.round(performance.now() - ending),
      bytes: null,
      checked: await checkGone(created),
    });
  } catch (error) {
    failure = messageOf(error);
    if (!(error instanceof DemoFailure) && error instanceof Error && process.env.SLIPWAY_DEBUG) say(error.stack ?? '');
    await world?.stop();
  } finally {
    loop.stop();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
  const held = loop.read();
  const report: DemoReport = {
    succeeded: failure === null,
    totalMs: Math.round(performance.now() - startedAt),
    eventLoopMaxMs: held.maxMs,
    eventLoopMaxOwnMs: held.maxOwnMs,
    stages,
    failure,
  };
  const summary = report.succeeded
    ? `The whole journey took ${(report.totalMs / 1_000).toFixed(1)} s; the engine's event loop was held for ${report.eventLoopMaxMs} ms at most, of which its own work ${report.eventLoopMaxOwnMs} ms at most.`
    : `The demo failed after ${stages.length} stages. ${failure}`;
  print(report, options, summary);
  return report.succeeded;
}
