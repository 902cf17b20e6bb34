/** Owns the bench of going back to a large release that is kept: by the record of its files, beside reading every byte of them first. */
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { agentFolder } from '../../../src-main/agent/agent-folder.ts';
import { removeTreeRecord } from '../../../src-main/agent/tree-record.ts';
import { createInstallation } from '../../support/agent-fixtures.ts';
import { type Bench, minRuns, type Row, rowOf } from '../bench.ts';

const filesPerFolder = 1_000;
/** From command to switched, the interval at which the machine looks aside. */
const limitMs = 1_000;

interface Shape {
  readonly name: string;
  readonly files: number;
  readonly fileBytes: number;
}

const mebibyte = 1024 * 1024;
const whole: readonly Shape[] = [
  { name: '4 GiB in 1,024 files', files: 1_024, fileBytes: 4 * mebibyte },
  { name: '60,000 files of 4 KiB', files: 60_000, fileBytes: 4_096 },
];
const small: readonly Shape[] = [
  { name: '256 MiB in 64 files', files: 64, fileBytes: 4 * mebibyte },
  { name: '6,000 files of 4 KiB', files: 6_000, fileBytes: 4_096 },
];

/** Files that differ in their first bytes: what lies on the disk is as large as said, and its pack is quickly made. */
async function writeTree(root: string, { files, fileBytes }: Shape): Promise<void> {
  const content = Buffer.alloc(fileBytes);
  for (let index = 0; index < files; index += 1) {
    const folder = join(root, String(Math.floor(index / filesPerFolder)));
    if (index % filesPerFolder === 0) await mkdir(folder, { recursive: true });
    content.writeUInt32LE(index);
    const file = await open(join(folder, `${index}.bin`), 'wx');
    await file.writeFile(content);
    await file.close();
  }
}

interface Measured {
  readonly byRecord: number[];
  readonly byReading: number[];
  readonly fetchedBytes: number[];
}

async function measure(shape: Shape, say: (line: string) => void): Promise<Measured> {
  const at = await createInstallation();
  const measured: Measured = { byRecord: [], byReading: [], fetchedBytes: [] };
  try {
    await writeTree(join(at.folder, 'tree-1'), shape);
    const { agent, root } = await at.pairedAgent('machine', { driftIntervalsMs: { files: 1e12, health: 1e12 } });
    const { pointer: large } = await at.publish(1, { 'release.txt': 'one' });
    await agent.runOnce();
    const { pointer: next } = await at.publish(2, { 'release.txt': 'two' });
    let serial = 2;
    const release = async (pointer: typeof large) => {
      serial += 1;
      await at.putPointer({ ...pointer, serial });
      const startMs = performance.now();
      let switchedMs = Number.NaN;
      const forget = agent.onReport(report => {
        if (report.phase === 'active' && report.serial === serial) switchedMs = performance.now();
      });
      const outcome = await agent.runOnce();
      forget();
      if (outcome.kind !== 'activated') throw new Error(`the machine did not go there: ${JSON.stringify(outcome)}`);
      return { ms: switchedMs - startMs, bytes: outcome.bytes.peers + outcome.bytes.region };
    };
    for (let run = 1; run <= minRuns; run += 1) {
      await release(next);
      const back = await release(large);
      await release(next);
      await removeTreeRecord(agentFolder(root), large.artifactId);
      const read = await release(large);
      measured.byRecord.push(back.ms);
      measured.byReading.push(read.ms);
      measured.fetchedBytes.push(back.bytes + read.bytes);
      say(`${shape.name}: ${Math.round(back.ms)} ms, reading it ${Math.round(read.ms)} ms`);
    }
  } finally {
    await at.dispose();
  }
  return measured;
}

export const rollbackBench: Bench = {
  summary: 'back to a kept release, from the pointer in the store to switched, beside reading every byte of it first',
  async run({ quick, say }) {
    const rows: Row[] = [];
    for (const shape of quick ? small : whole) {
      const { byRecord, byReading, fetchedBytes } = await measure(shape, say);
      const peer = { name: 'reading it first', values: byReading };
      rows.push(
        rowOf({ name: shape.name, unit: 'ms', ours: byRecord, peer, atMost: limitMs }),
        rowOf({ name: '  fetched', unit: 'bytes', ours: fetchedBytes, atMost: 0 }),
      );
    }
    return rows;
  },
};
