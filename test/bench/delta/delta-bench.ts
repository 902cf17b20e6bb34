/** Owns the bench of delta packs: what a machine receives for the next version, and how long it takes to make it of the last. */
import { join } from 'node:path';
import { messageOf } from '../../../src-main/contract/errors.ts';
import { packFolder } from '../../support/delta-fixtures.ts';
import { type Bench, type BenchOptions, inFolder, type Row, rowOf } from '../bench.ts';
import { applyRows } from './apply-rows.ts';
import { changedBytes, receive, rsyncBytes, xdeltaBytes } from './machine.ts';
import { type Scenario, scenarios } from './scenarios.ts';

const kibibyte = 1024;
/** Of the changed bytes, compressed. */
const goalShare = 1.3;
const goalSpareKibibytes = 256;

function skipped(name: string, error: unknown): Row {
  const reason = messageOf(error).split('\n').slice(0, 2).join(' ').slice(0, 160);
  return {
    ...{ name: `${name}: skipped, ${reason}`, unit: 'KiB', ours: Number.NaN, peer: null, peerName: null },
    ...{ limit: null, ratio: null, goal: null, holds: null },
  };
}

/** A peer's bytes; a row with the reason where the program is not there. */
async function beside(name: string, ours: number, peerName: string, work: () => Promise<number>): Promise<Row> {
  try {
    return rowOf({ name, unit: 'KiB', ours: [ours], peer: { name: peerName, values: [(await work()) / kibibyte] } });
  } catch (error) {
    return skipped(`${name}, ${peerName}`, error);
  }
}

async function compare(scenario: Scenario, say: BenchOptions['say']): Promise<Row[]> {
  return inFolder(async folder => {
    const [oldFolder, freshFolder] = [join(folder, 'old'), join(folder, 'new')];
    try {
      await scenario.make(oldFolder, freshFolder);
    } catch (error) {
      return [skipped(scenario.name, error)];
    }
    const [old, fresh] = [await packFolder(oldFolder), await packFolder(freshFolder)];
    const received = await receive(folder, old, fresh);
    const changed = (await changedBytes(old, fresh)) / kibibyte;
    const ours = received.bytes / kibibyte;
    say(
      `${scenario.name}: ${Math.round(ours)} KiB by ${received.kind}, full ${Math.round(received.fullBytes / kibibyte)} KiB`,
    );
    return [
      rowOf({
        name: scenario.name,
        unit: 'KiB',
        ours: [ours],
        ...(changed === 0 ? {} : { peer: { name: 'really changed, zstd -3', values: [changed] } }),
        atMost: Math.round(goalShare * changed + goalSpareKibibytes),
      }),
      await beside('  beside', ours, 'rsync -az', () => rsyncBytes(folder, old, fresh)),
      await beside('  beside', ours, 'xdelta3 of the tars', () => xdeltaBytes(folder, old, fresh)),
      rowOf({
        ...{ name: '  beside', unit: 'KiB', ours: [ours] },
        peer: { name: 'the full pack', values: [received.fullBytes / kibibyte] },
      }),
    ];
  });
}

export const deltaBench: Bench = {
  summary: 'bytes that a machine receives for the next version of what it has, and the time to make it of that',
  async run({ quick, say }) {
    const rows: Row[] = [];
    for (const scenario of scenarios(quick)) rows.push(...(await compare(scenario, say)));
    rows.push(...(await applyRows(quick, say)));
    return rows;
  },
};
