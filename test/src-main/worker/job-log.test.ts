import { readFile, stat, writeFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openJobLog } from '../../../src-main/worker/job-log.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { canMount, mountSmallDisk } from '../../support/small-disk.ts';

async function newLog(secrets: readonly string[] = []) {
  const file = `${await scratchFolder()}/logs/job/1.log`;
  let growths = 0;
  const log = await openJobLog({ file, secrets, onGrowth: () => (growths += 1) });
  return { file, log, growths: () => growths, text: () => readFile(file, 'utf8') };
}

describe('the log of an attempt', () => {
  it('holds output and notes in order, each note on a line of its own', async () => {
    const { log, text } = await newLog();
    await log.note('── Build');
    await log.write(Buffer.from('half a '));
    await log.write(Buffer.from('line'));
    await log.problem('failed');
    await log.close();
    expect(await text()).toBe('\u001b[2m── Build\u001b[0m\nhalf a line\n\u001b[31mfailed\u001b[0m\n');
    expect(log.sizeBytes).toBe(Buffer.byteLength(await text()));
  });

  it('masks a secret, also one that comes in pieces or with control sequences inside', async () => {
    const { log, text } = await newLog(['hunter2-is-long']);
    await log.write(Buffer.from('one hunter2-'));
    await log.write(Buffer.from('is-long two hunter2\u001b]0;x\u0007-is-long\n'));
    await log.note('three hunter2-is-long');
    await log.close();
    expect(await text()).not.toContain('hunter2');
    expect(await text()).toContain('one ');
    expect(await text()).toContain(' two ');
  });

  it('keeps a note of foreign words to one harmless line', async () => {
    const { log, text } = await newLog();
    await log.problem('bad file \u001b]0;evil\u0007name\u001b[2J');
    await log.close();
    expect(await text()).toBe('\u001b[31mbad file name\u001b[0m\n');
  });

  it('tells of its growth, and of its last byte when it is closed', async () => {
    const { log, growths } = await newLog();
    for (let index = 0; index < 200; index += 1) await log.write(Buffer.from('line\n'));
    await log.close();
    expect(growths()).toBeGreaterThanOrEqual(1);
    expect(growths()).toBeLessThan(200);
    await log.close();
  });

  it('keeps the order and counts every byte, also while writing takes longer than coming', async () => {
    const { log, text } = await newLog(['hunter2-is-long']);
    const line = (index: number) => `${index} ${'x'.repeat(60_000)}\n`;
    // Nobody waits in between, so most of it waits for the file.
    const writing = Array.from({ length: 60 }, (_, index) => log.write(Buffer.from(line(index))));
    expect(log.sizeBytes).toBeGreaterThan(60 * 60_000);
    await log.note('end');
    await Promise.all(writing);
    expect(await text()).toBe(
      `${Array.from({ length: 60 }, (_, index) => line(index)).join('')}\u001b[2mend\u001b[0m\n`,
    );
    await log.close();
    expect(log.sizeBytes).toBe((await text()).length);
  });

  it('has masked the same after a note as before it', async () => {
    const { log, text } = await newLog(['hunter2-is-long']);
    await log.write(Buffer.from('hunter2-'));
    await log.note('between');
    await log.write(Buffer.from('is-long\nhunter2-is-long\n'));
    await log.close();
    expect(await text()).toBe('hunter2-\n\u001b[2mbetween\u001b[0m\nis-long\n***\n');
  });

  it.skipIf(!canMount())(
    'tells that the disk is full, at the next call at the latest, and goes on when it is not',
    async () => {
      const disk = await mountSmallDisk(`${await scratchFolder()}/disk`, '1m');
      onTestFinished(() => disk.unmount());
      const file = `${disk.path}/1.log`;
      const log = await openJobLog({ file, secrets: [], onGrowth: () => undefined });
      await log.note('before');
      await disk.fill();
      const lost = async () => {
        await log.write(Buffer.alloc(64 * 1024, 'x'));
        await log.note('lost');
      };
      await expect(lost()).rejects.toMatchObject({ code: 'ENOSPC' });
      const kept = (await stat(file)).size;
      expect(log.sizeBytes).toBe(kept);
      await disk.free();
      await log.note('after');
      await log.close();
      expect((await readFile(file, 'utf8')).slice(kept)).toContain('after');
    },
  );

  it('is readable by its owner alone, and never written over', async () => {
    const { file, log } = await newLog();
    await log.close();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await writeFile(file, 'kept');
    await expect(openJobLog({ file, secrets: [], onGrowth: () => undefined })).rejects.toMatchObject({
      code: 'EEXIST',
    });
    expect(await readFile(file, 'utf8')).toBe('kept');
  });
});
