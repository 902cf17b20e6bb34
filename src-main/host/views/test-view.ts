/** Owns reading an attempt's tests page by page, by byte range of their list. Never the whole list at once. */
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { DomainError, systemErrorCode } from '../../contract/errors.ts';
import {
  type TestCase,
  type TestOutcome,
  type TestPage,
  testCaseSchema,
  testSummarySchema,
} from '../../contract/test-results.ts';

/** Holds some lines: the longest has 6 KiB of text, more where it is not ASCII. */
const readBytes = 256 * 1024;
const lineFeed = 0x0a;
const storedSchema = testSummarySchema.extend({ listBytes: z.number().int().nonnegative() });

export interface TestQuery {
  readonly outcome?: TestOutcome | undefined;
  /** Bytes from the beginning of the list, where a line begins: `next` of the page before. */
  readonly after: number;
  readonly limit: number;
}

async function readSummary(file: string): Promise<z.infer<typeof storedSchema> | null> {
  try {
    return storedSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** A page of the tests with this outcome, or of all. Throws `input.invalid` for an `after` that is not where a test begins. */
export async function readTests(
  files: { readonly list: string; readonly summary: string },
  query: TestQuery,
): Promise<Omit<TestPage, 'reclaimedAtMs'>> {
  const stored = await readSummary(files.summary);
  if (stored === null) return { summary: null, tests: [], next: null };
  // What is beyond belongs to a step that has not ended.
  const { listBytes, ...summary } = stored;
  if (query.after >= listBytes) return { summary, tests: [], next: null };
  const handle = await open(files.list, 'r');
  try {
    await assertLineStart(handle, query.after);
    return { summary, ...(await readPage(handle, listBytes, query)) };
  } finally {
    await handle.close();
  }
}

async function assertLineStart(handle: FileHandle, offset: number): Promise<void> {
  if (offset === 0) return;
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, offset - 1);
  if (buffer[0] === lineFeed) return;
  throw new DomainError('input.invalid', 'after: take it from "next" of the page before.', {
    fields: [{ field: 'after', message: 'is not where a test begins' }],
  });
}

async function readPage(
  handle: FileHandle,
  listBytes: number,
  { outcome, after, limit }: TestQuery,
): Promise<Pick<TestPage, 'tests' | 'next'>> {
  const tests: TestCase[] = [];
  const buffer = Buffer.alloc(readBytes);
  // Each line says its outcome after texts that are quoted: a quote within them would be escaped.
  const mark = outcome === undefined ? null : Buffer.from(`"outcome":"${outcome}"`);
  for (let offset = after; offset < listBytes; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(readBytes, listBytes - offset), offset);
    const bytes = buffer.subarray(0, bytesRead);
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
      const line = bytes.subarray(start, end);
      if (mark === null || line.includes(mark)) {
        if (tests.length === limit) return { tests, next: offset + start };
        tests.push(testCaseSchema.parse(JSON.parse(line.toString('utf8'))));
      }
      start = end + 1;
    }
    // A list that was cut off ends where its lines do.
    if (start === 0) break;
    offset += start;
  }
  return { tests, next: null };
}
