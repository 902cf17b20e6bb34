/** The list of an attempt's tests: what is kept of hostile and secret texts, its limits, and how it is read page by page. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { TestOutcome } from '../../../src-main/contract/test-results.ts';
import { readTests } from '../../../src-main/host/views/test-view.ts';
import { prepareMasking } from '../../../src-main/secrets/masking.ts';
import type { ReportedTest } from '../../../src-main/worker/junit-scanner.ts';
import { createTestReport } from '../../../src-main/worker/test-report.ts';
import { projectFolder } from '../../support/project-folder.ts';

const secret = 'harbour-master-key';
const whole = (text: string) => ({ text, isCut: false });

function test(name: string, changes: Partial<ReportedTest> = {}): ReportedTest {
  const none = { className: whole(''), outcome: 'passed', durationMs: null, message: null, output: whole('') } as const;
  return { ...none, name: whole(name), ...changes };
}

async function start() {
  const folder = await projectFolder({});
  const files = { list: join(folder, 'tests.jsonl'), summary: join(folder, 'tests.json') };
  const report = createTestReport({
    listFile: files.list,
    summaryFile: files.summary,
    newMasker: prepareMasking([secret]),
  });
  return {
    files,
    report,
    async write(tests: readonly ReportedTest[], step = 'Test') {
      const sink = report.sinkFor(step);
      for (const one of tests) sink.add(one);
      await sink.flush();
      await report.publish(1);
    },
    page: (query: { outcome?: TestOutcome; after?: number; limit?: number } = {}) =>
      readTests(files, { after: 0, limit: 50, ...query }),
  };
}

it('keeps no secret, no escape sequence and no control character, also where a text was cut', async () => {
  const { write, files, page, report } = await start();
  const hostile = `\u001b[31m<b>red</b>\u001b[0m \u001b]8;;http://x\u0007link\u0007\u202e\u0000 ${secret.slice(0, 7)}\u001b[1m${secret.slice(7)}\r\nnext`;
  const filler = 'x'.repeat(990);
  await write([
    test(`a ${secret}`, { className: whole(`${'c'.repeat(195)}${secret}`) }),
    test('b', { outcome: 'failed', message: whole(hostile), output: whole(`${'y'.repeat(3_995)}${secret}`) }),
    test('c', { outcome: 'failed', message: { text: filler + secret.slice(0, 9), isCut: true } }),
    test('\u0007'),
  ]);
  await report.close();
  const text = await readFile(files.list, 'utf8');
  for (let length = 6; length < secret.length; length += 1) expect(text).not.toContain(secret.slice(0, length));
  const { tests } = await page();
  expect(tests.map(one => one.name)).toEqual(['a ***', 'b', 'c', 'a test without a name']);
  expect(tests[1]?.message).toBe('<b>red</b> link ***\nnext');
  expect(tests[1]?.output).toHaveLength(3_998);
  expect(tests[2]?.message).toBe(filler);
  expect(tests[0]?.className).toHaveLength(198);
});

it('is read page by page, by outcome, and only as far as it was published', async () => {
  const { write, page, report } = await start();
  expect(await page()).toEqual({ summary: null, tests: [], next: null });
  const many = Array.from({ length: 25 }, (_, index) =>
    test(`n${index}`, {
      outcome: index % 5 === 0 ? 'failed' : index % 5 === 1 ? 'skipped' : 'passed',
      message: whole('"outcome":"failed"'),
      durationMs: index,
    }),
  );
  await write(many);
  report.sinkFor('Later').add(test('not yet'));
  await report.sinkFor('Later').flush();

  const names: string[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const { tests, next } = await page({ outcome: 'failed', after, limit: 2 });
    expect(tests.length).toBeLessThanOrEqual(2);
    names.push(...tests.map(one => one.name));
    after = next;
  }
  expect(names).toEqual(['n0', 'n5', 'n10', 'n15', 'n20']);
  const { tests, next, summary } = await page();
  expect([tests.length, next]).toEqual([25, null]);
  expect(summary).toMatchObject({ total: 25, failed: 5, skipped: 5, files: 1, durationMs: 300, kept: 25 });
  expect(summary?.slowest.map(one => one.durationMs)).toEqual([24, 23, 22, 21, 20, 19, 18, 17, 16, 15]);
  await expect(page({ after: 3 })).rejects.toMatchObject({ code: 'input.invalid' });
  expect((await page({ after: 1_000_000 })).tests).toEqual([]);
  await report.close();
});

it('lists failed tests longer than others, counts all, and has a limit', async () => {
  const { write, files, page, report } = await start();
  const long = whole('z'.repeat(8_000));
  await write(Array.from({ length: 70_000 }, (_, index) => test(`${index} ${'p'.repeat(180)}`)));
  await write(
    Array.from({ length: 5_000 }, () => test('f', { outcome: 'failed', output: long })),
    'Again',
  );
  await report.close();
  const { size } = await stat(files.list);
  expect(size).toBeLessThanOrEqual(16 * 1024 * 1024);
  const { summary } = await page();
  expect(summary).toMatchObject({ total: 75_000, failed: 5_000, files: 2 });
  expect(summary?.kept).toBeLessThan(60_000);
  const failed = await page({ outcome: 'failed', limit: 200 });
  expect([failed.tests.length, failed.tests[0]?.step]).toEqual([200, 'Again']);
});
