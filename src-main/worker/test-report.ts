/** Owns the list of an attempt's tests on disk: cleaned, masked and bounded, a line of JSON each, with a summary beside it. */
import { type FileHandle, open, rename, writeFile } from 'node:fs/promises';
import { stripVTControlCharacters } from 'node:util';
import {
  maxTestMessageChars,
  maxTestNameChars,
  maxTestOutputChars,
  type TestCase,
  type TestSummary,
} from '../contract/test-results.ts';
import type { Masker } from '../secrets/masking.ts';
import type { ReportedTest } from './junit-scanner.ts';
import type { CutText } from './junit-text.ts';
import type { TestSink } from './test-results.ts';

/** From here on only failed tests are listed, the others counted; about 60,000 tests are below it. */
const maxBytes = 12 * 1024 * 1024;
/** From here on none is. */
const maxBytesWithFailed = 16 * 1024 * 1024;
const maxSlowest = 10;

/** What lies in the summary's file: the summary, and how much of the list it speaks of. */
export interface StoredSummary extends TestSummary {
  readonly listBytes: number;
}

export interface TestReport {
  /** Takes the tests of one step. */
  sinkFor(step: string): TestSink;
  /** Writes the summary; until then readers see none of the tests since the last time. */
  publish(files: number): Promise<void>;
  close(): Promise<void>;
}

/** Text that does nothing but be read: without escape sequences, control characters and what turns the direction of writing. */
function cleaned(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\r\n?/g, '\n')
    .replace(/[[\p{Cc}--[\t\n]]\u200e\u200f\u2028-\u202e\u2066-\u2069]/gv, '');
}

/**
 * At most `maxChars` of it, without secrets. They are looked for before anything is cut off, and where the text was cut
 * already, an end that could be the beginning of one is left out.
 */
function shown({ text, isCut }: CutText, masker: Masker, maxChars: number): string {
  const parts = [masker.push(Buffer.from(cleaned(text)))];
  if (!isCut) parts.push(masker.end());
  return Buffer.concat(parts).toString('utf8').trim().slice(0, maxChars).toWellFormed();
}

/**
 * The tests of an attempt. `listFile` must not exist, and appears with the first test; the summary's file is replaced as a
 * whole. `newMasker` is asked for every text.
 */
export function createTestReport(options: {
  readonly listFile: string;
  readonly summaryFile: string;
  readonly newMasker: () => Masker;
}): TestReport {
  const { listFile, summaryFile, newMasker } = options;
  let handle: FileHandle | null = null;
  let lines: Buffer[] = [];
  let listBytes = 0;
  const sum = { total: 0, failed: 0, skipped: 0, files: 0, durationMs: 0, kept: 0 };
  const slowest: (TestSummary['slowest'][number] & { readonly durationMs: number })[] = [];

  const seeTime = ({ message, output, ...test }: TestCase) => {
    const { durationMs } = test;
    if (durationMs === null) return;
    sum.durationMs += durationMs;
    if (slowest.length === maxSlowest && durationMs <= (slowest.at(-1)?.durationMs ?? 0)) return;
    slowest.push({ ...test, durationMs });
    slowest.sort((a, b) => b.durationMs - a.durationMs);
    slowest.length = Math.min(slowest.length, maxSlowest);
  };

  const add = (step: string, test: ReportedTest) => {
    const { outcome, durationMs } = test;
    const text = (cut: CutText, maxChars: number) => shown(cut, newMasker(), maxChars);
    const row: TestCase = {
      step,
      className: text(test.className, maxTestNameChars),
      name: text(test.name, maxTestNameChars) || 'a test without a name',
      outcome,
      durationMs,
      message: test.message === null ? null : text(test.message, maxTestMessageChars) || null,
      output: outcome === 'failed' ? text(test.output, maxTestOutputChars) || null : null,
    };
    sum.total += 1;
    if (outcome !== 'passed') sum[outcome] += 1;
    seeTime(row);
    const line = Buffer.from(`${JSON.stringify(row)}\n`);
    if (listBytes + line.length > (outcome === 'failed' ? maxBytesWithFailed : maxBytes)) return;
    sum.kept += 1;
    listBytes += line.length;
    lines.push(line);
  };

  return {
    sinkFor: step => ({
      add: test => add(step, test),
      async flush() {
        if (lines.length === 0) return;
        const bytes = Buffer.concat(lines);
        lines = [];
        handle ??= await open(listFile, 'wx', 0o600);
        await handle.appendFile(bytes);
      },
    }),
    async publish(files) {
      sum.files += files;
      const summary: StoredSummary = { ...sum, slowest, listBytes };
      await writeFile(`${summaryFile}.new`, JSON.stringify(summary), { mode: 0o600 });
      await rename(`${summaryFile}.new`, summaryFile);
    },
    async close() {
      await handle?.close();
      handle = null;
    },
  };
}
