/** Owns `slipway doctor`: the checks of an installation in one list, and the crash drill. */
import type { Command } from 'commander';
import type { DrillResult } from '../../contract/drill.ts';
import { callEngine, chosenFolder, type EngineOptions } from '../engine-client.ts';
import { exitCodes, type OutputOptions, plain, print, say, table } from '../output.ts';
import type { Check } from './check.ts';

type Options = EngineOptions & OutputOptions;

/** Every check, worst last. Writes nothing but a probe in the data folder that it removes. */
export async function examine(options: EngineOptions): Promise<readonly Check[]> {
  const { checkEngine } = await import('./engine-checks.ts');
  const { checkRecords } = await import('./record-checks.ts');
  const machine = await import('./machine-checks.ts');
  const folder = chosenFolder(options);
  const { isRunning, checks } = await checkEngine(options, folder);
  const now = Date.now();
  const records = await checkRecords(folder, now, isRunning);
  const all = [
    machine.checkNode(),
    await machine.checkGit(),
    await machine.checkTools(records.requirements),
    await machine.checkIsolation(records.defaults),
    machine.checkClock(now, records.newestEventAt),
    ...(await machine.checkFolder(folder, records.defaults.keepFreeBytes)),
    await machine.checkKeys(folder),
    ...records.checks,
    ...checks,
  ];
  const severity = { ok: 0, warning: 1, broken: 2 } as const;
  return all.toSorted((a, b) => severity[a.state] - severity[b.state]);
}

function describe(checks: readonly Check[]): string {
  const rows = checks.flatMap(({ state, name, detail, advice }) => [
    [state, name, detail],
    ...(advice === null ? [] : advice.split('\n').map(line => ['', '', `→ ${line}`])),
  ]);
  const count = (state: Check['state']) => checks.filter(check => check.state === state).length;
  const sum = `${count('broken')} broken, ${count('warning')} to look at, ${count('ok')} in order`;
  return `${table(['STATE', 'WHAT', ''], rows)}${sum}.`;
}

const inSeconds = (ms: number | null) => (ms === null ? 'never' : `${(ms / 1_000).toFixed(2)} s`);

function describeDrill(result: DrillResult): string {
  const rows = [
    ['the supervisor noticed', inSeconds(result.noticedAfterMs)],
    ['the job was back in the queue', inSeconds(result.requeuedAfterMs)],
    ['its next attempt began', inSeconds(result.restartedAfterMs)],
    ['it succeeded', inSeconds(result.succeededAfterMs)],
  ];
  const judged = `${inSeconds(result.recoveredMs)} from the last checkup to the next attempt, at most ${inSeconds(result.limitMs)}`;
  return [
    `${plain(result.workerName)} (pid ${result.pid}) was killed during job ${result.jobNumber}.`,
    table(['SINCE THE KILL', ''], rows).trimEnd(),
    `${result.holds ? 'Passed' : 'FAILED'}: ${judged}.`,
  ].join('\n');
}

async function drill(options: Options): Promise<void> {
  say('A worker is killed on purpose during a harmless job…');
  const result = await callEngine(options, client => client.drill.run());
  print(result, options, describeDrill(result));
  if (!result.holds) process.exitCode = exitCodes.failed;
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('checks the installation, and says what to do; exit code 1 when something is broken')
    .option('--drill', 'kill a worker on purpose during a harmless job, and show the recovery')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { drill?: boolean }>();
      if (options.drill) return drill(options);
      const checks = await examine(options);
      const isSound = checks.every(check => check.state !== 'broken');
      print({ holds: isSound, checks }, options, describe(checks));
      if (!isSound) process.exitCode = exitCodes.failed;
    });
}
