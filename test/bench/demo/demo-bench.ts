/** Owns the bench of `slipway demo`: many times in a row, how often it holds, and for how long the engine's event loop was held. */
import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { z } from 'zod';
import { buildIfStale } from '../../../src-main/start/build-if-stale.ts';
import { type Bench, minRuns, rowOf } from '../bench.ts';

const root = resolve(import.meta.dirname, '../../..');

const reportSchema = z.object({
  succeeded: z.boolean(),
  totalMs: z.number(),
  eventLoopMaxMs: z.number(),
  eventLoopMaxOwnMs: z.number(),
  stages: z.array(z.object({ name: z.string(), ms: z.number() })),
  failure: z.string().nullable(),
});
type Report = z.infer<typeof reportSchema>;
/** As the demo itself measures. */
const resolutionMs = 5;

/** One demo. One that fails is a result: it prints the same report. */
function runDemo(): Promise<Report> {
  return new Promise((resolveReport, reject) => {
    const child = spawn(process.execPath, [join(root, 'out/main/cli.js'), 'demo', '--json'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.once('error', reject);
    child.once('close', () => {
      try {
        resolveReport(reportSchema.parse(JSON.parse(stdout)));
      } catch (error) {
        reject(error);
      }
    });
  });
}

export const demoBench: Bench = {
  summary: 'slipway demo ten times in a row: how often it holds, and how long the event loop was held',
  async run({ quick, say }) {
    await buildIfStale(root, say);
    const count = quick ? minRuns : 10;
    const reports: Report[] = [];
    // This process does nothing meanwhile: what its loop waits for is the machine, not a program.
    const idleDelays: number[] = [];
    for (let run = 1; run <= count; run += 1) {
      const loop = monitorEventLoopDelay({ resolution: resolutionMs });
      loop.enable();
      const report = await runDemo();
      loop.disable();
      reports.push(report);
      idleDelays.push(loop.max / 1e6);
      say(
        `${run}: ${report.succeeded ? 'held' : `failed: ${report.failure}`}, ${report.totalMs} ms, loop ${report.eventLoopMaxMs} ms, own ${report.eventLoopMaxOwnMs} ms (idle process ${Math.round(loop.max / 1e6)} ms)`,
      );
    }
    const delays = reports.map(report => report.eventLoopMaxMs);
    const names = reports[0]?.stages.map(stage => stage.name) ?? [];
    return [
      rowOf({
        name: 'demos that held',
        unit: `of ${count}`,
        ours: [reports.filter(report => report.succeeded).length],
        atLeast: count,
      }),
      rowOf({
        name: "event loop held by the engine's own work, longest of all runs",
        unit: 'ms',
        ours: [Math.max(...reports.map(report => report.eventLoopMaxOwnMs))],
        atMost: 50,
      }),
      rowOf({
        name: 'event loop held, longest of all runs',
        unit: 'ms',
        ours: [Math.max(...delays)],
        peer: { name: 'an idle Node process', values: [Math.max(...idleDelays)] },
        atMost: 50,
      }),
      rowOf({
        name: 'event loop held, median of the runs',
        unit: 'ms',
        ours: delays,
        peer: { name: 'an idle Node process', values: idleDelays },
      }),
      rowOf({ name: 'whole demo', unit: 'ms', ours: reports.map(report => report.totalMs) }),
      ...names.map(name =>
        rowOf({
          name: `  ${name}`,
          unit: 'ms',
          ours: reports.flatMap(report => report.stages.filter(stage => stage.name === name).map(stage => stage.ms)),
        }),
      ),
    ];
  },
};
