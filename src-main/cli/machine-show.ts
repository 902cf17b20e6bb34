/** Owns `slipway machine show` and `repair`: what a machine runs, what its agent last said, and the evidence of what did not come up. */
import type { Command } from 'commander';
import type { EvidenceBundle } from '../contract/evidence.ts';
import type { MachineView } from '../contract/views/machine.ts';
import { callEngine, type EngineOptions, findMachine } from './engine-client.ts';
import { type OutputOptions, plain, print, table } from './output.ts';

type Options = EngineOptions & OutputOptions;

const time = (atMs: number | null) => (atMs === null ? 'never' : new Date(atMs).toISOString());

function facts(machine: MachineView): string[][] {
  return [
    ['machine', `${machine.name} (${machine.id})`],
    ['follows', `${machine.channel} of ${machine.repositoryName}${machine.region ? `, in ${machine.region}` : ''}`],
    ['runs', machine.serial === null ? 'nothing' : `release ${machine.serial}, artifact ${machine.artifactId}`],
    ['phase', `${machine.phase}${machine.targetSerial === null ? '' : ` ${machine.targetSerial}`}, ${machine.health}`],
    ['says', machine.message ?? '-'],
    ['drift', machine.drift ?? (machine.serial === null ? '-' : 'none seen')],
    ...(machine.repairRequestedAtMs === null ? [] : [['repair', `asked for ${time(machine.repairRequestedAtMs)}`]]),
    ['reported', `${time(machine.lastReportAtMs)}${machine.silent ? ', silent since' : ''}`],
    ['agent', machine.agentVersion ?? '-'],
    ['environment', machine.environmentNames.join(', ') || '-'],
    ['keeps', machine.kept.map(artifact => artifact.slice(0, 12)).join(', ') || '-'],
    ...machine.timeline.map(({ phase, atMs }) => [`  ${phase}`, time(atMs)]),
  ];
}

/** The bundle as text; what a release wrote is shown without control characters. */
export function evidenceText(bundle: EvidenceBundle): string {
  const part = (title: string, text: string) =>
    text.trim() === '' ? [] : ['', `${title}:`, text.trimEnd().split('\n').map(plain).join('\n')];
  const back = bundle.backAtSerial === null ? 'nothing ran before' : `back at release ${bundle.backAtSerial}`;
  return [
    `Release ${bundle.serial} did not come up at ${time(bundle.atMs)}; ${back}.`,
    plain(bundle.error.message),
    ...part('Health', bundle.health.map(({ atMs, problem }) => `${time(atMs)}  ${problem ?? 'good'}`).join('\n')),
    ...part('Last output', bundle.lastOutput),
    ...part('Journal of its unit', bundle.unitLog ?? ''),
    '',
    `Environment: ${bundle.environmentNames.map(plain).join(', ') || 'none'}.`,
  ].join('\n');
}

/** Below `slipway machine`. */
export function addShowCommand(machine: Command): void {
  machine
    .command('show <machine>')
    .description('what it runs, what its agent said, and the evidence of the release that did not come up')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const found = await findMachine(client, named);
        const evidence = await client.machines.evidence({ id: found.id });
        const shown = table(
          ['', ''],
          facts(found).map(row => row.map(plain)),
        );
        print({ ...found, evidence }, options, evidence === null ? shown : `${shown}\n\n${evidenceText(evidence)}`);
      });
    });
}

/** Below `slipway machine`. */
export function addRepairCommand(machine: Command): void {
  machine
    .command('repair <machine>')
    .description('let it check every file of what it runs, fetch what is not right, and start it anew')
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const { id, name } = await findMachine(client, named);
        const asked = await client.machines.repair({ id });
        print(asked, options, `${plain(name)} repairs itself at its next look; "slipway machine show" tells.`);
      });
    });
}
