/** Searching and reading logs by range, on real files. */
import { open, writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { createLogLines } from '../../../src-main/host/views/log-lines.ts';
import { type LogQuery, searchLog } from '../../../src-main/host/views/log-search.ts';
import { readLog } from '../../../src-main/host/views/log-view.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';

async function logOf(text: string | Buffer): Promise<string> {
  const file = `${await scratchFolder()}/attempt.log`;
  await writeFile(file, text);
  return file;
}
const query = (text: string, more: Partial<LogQuery> = {}): LogQuery => ({
  text,
  case: 'ignore',
  after: 0,
  limit: 200,
  ...more,
});
const finished = { finished: true, reclaimedAtMs: null };

it('finds text under colours, whatever its case, once a line, with number and place', async () => {
  const first = 'plain\n';
  const file = await logOf(`${first}\u001b[31mThe \u001b[1mPi\u001b[0mer\u001b[0m is a pier\nno\nPIER`);
  const found = await searchLog(file, query('the pier'));
  expect(found).toMatchObject({ total: 1, lineCount: 4, next: null });
  expect(found.matches).toEqual([{ offset: first.length, line: 2, text: 'The Pier is a pier' }]);
  expect((await searchLog(file, query('pier'))).matches.map(({ line }) => line)).toEqual([2, 4]);
  expect((await searchLog(file, query('PIER', { case: 'match' }))).matches.map(({ line }) => line)).toEqual([4]);
});

it('finds letters beyond ASCII by their small ones', async () => {
  const file = await logOf('İstanbul\nÜBERSEE ✓ 🚢\n');
  expect((await searchLog(file, query('übersee ✓ 🚢'))).matches).toMatchObject([{ line: 2, text: 'ÜBERSEE ✓ 🚢' }]);
  expect((await searchLog(file, query('übersee', { case: 'match' }))).total).toBe(0);
});

it('looks at what is shown: not at what a progress line wrote over', async () => {
  const file = await logOf('10 %\r20 %\r100 %\nlast 10 %\r\n');
  expect((await searchLog(file, query('10 %'))).matches.map(({ line }) => line)).toEqual([2]);
  expect((await searchLog(file, query('100 %'))).total).toBe(1);
});

it('counts lines and places over many pieces, and lists page by page', async () => {
  const lines = Array.from({ length: 60_000 }, (_, index) => `\u001b[32mline ${index + 1}\u001b[0m `.padEnd(80, '.'));
  const text = `${lines.join('\n')}\n`;
  const file = await logOf(text);
  const all = await searchLog(file, query('00\u001b', { limit: 5 }));
  expect(all.total).toBe(0);
  const first = await searchLog(file, query('000 ', { limit: 40 }));
  expect(first).toMatchObject({ total: 60, lineCount: 60_000, totalBytes: text.length });
  const rest = await searchLog(file, query('000 ', { limit: 40, after: first.next ?? 0 }));
  expect(rest.next).toBeNull();
  const matches = [...first.matches, ...rest.matches];
  expect(matches.map(({ line }) => line)).toEqual(Array.from({ length: 60 }, (_, index) => (index + 1) * 1_000));
  for (const { offset, line } of matches)
    expect(text.slice(offset)).toMatch(new RegExp(`^\u001b\\[32mline ${line}\u001b`));
});

it('finds a text across the pieces of one endless line, as one match, and shows what is around it', async () => {
  const before = 'x'.repeat(1024 * 1024 - 3);
  const file = await logOf(`first\n${before}needle${'y'.repeat(3_000_000)}needle\nneedle`);
  const found = await searchLog(file, query('needle'));
  expect(found.total).toBe(2);
  expect(found.matches).toMatchObject([
    { line: 2, offset: 6 },
    { line: 3, text: 'needle' },
  ]);
  expect(found.matches[0]?.text).toMatch(/^…x+needley+…$/);
  expect(found.matches[0]?.text.length).toBeLessThan(310);
});

it('answers for a log that is not there, is empty, or is not wanted any more', async () => {
  const nothing = { matches: [], total: 0, lineCount: 0, totalBytes: 0, next: null };
  expect(await searchLog('/nowhere/at/all.log', query('x'))).toEqual(nothing);
  expect(await searchLog(await logOf(''), query('x'))).toEqual(nothing);
  const file = await logOf('x\n');
  expect(await searchLog(file, query('x'), AbortSignal.abort())).toMatchObject({ total: 0, totalBytes: 2 });
});

it('reads a range from the beginning of its line, with the number of that line', async () => {
  const line = (number: number) => `line ${number} ✓ `.padEnd(60, '.');
  const text = Buffer.from(`${Array.from({ length: 40_000 }, (_, index) => line(index + 1)).join('\n')}\n`);
  const file = await logOf(text);
  const lines = createLogLines();
  for (const wanted of [2_000_000, 1_500_000, 2_000_000, 100, 0, text.length]) {
    const chunk = await readLog(file, { offset: wanted, limit: 200, start: 'line' }, lines, finished);
    expect(chunk.offset).toBeLessThanOrEqual(wanted);
    expect(text.subarray(0, chunk.offset).filter(byte => byte === 0x0a).length + 1).toBe(chunk.line);
    if (wanted < text.length) expect(chunk.text).toMatch(new RegExp(`^line ${chunk.line} ✓`));
  }
  const exact = await readLog(file, { offset: 5, limit: 10, start: 'exact' }, lines, finished);
  expect(exact).toMatchObject({ offset: 5, line: 1 });
  // What was counted stays right when the log grows.
  const handle = await open(file, 'a');
  await handle.write('more\n'.repeat(300_000));
  await handle.close();
  const end = await readLog(file, { offset: text.length + 5 * 300_000, limit: 10, start: 'exact' }, lines, finished);
  expect(end.line).toBe(340_001);
});

it('begins within an overlong line where a character begins', async () => {
  const file = await logOf('✓'.repeat(100_000));
  const chunk = await readLog(file, { offset: 200_000, limit: 30, start: 'line' }, createLogLines(), {
    finished: false,
    reclaimedAtMs: null,
  });
  expect(chunk.text).toMatch(/^✓+$/);
  expect(chunk.line).toBe(1);
});
