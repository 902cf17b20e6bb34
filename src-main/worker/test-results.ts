/** Owns finding the JUnit reports that a step wrote, and adding them up. A report that cannot be read says nothing, and ends nothing. */
import type { Dirent } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createJunitScanner, maxFailedNames, type ReportedTest, type TestCounts } from './junit-scanner.ts';

export interface TestResults extends TestCounts {
  readonly files: number;
}

/** What package managers and version control fill: reports of other projects' tests. */
const skippedFolders = new Set(['.git', '.venv', 'node_modules', 'site-packages', 'venv', 'vendor']);
const maxEntries = 50_000;
const maxDepth = 12;
const maxReports = 1_000;
const maxReportBytes = 64 * 1024 * 1024;
const chunkBytes = 64 * 1024;
/** A file's time comes from a clock that the kernel advances in ticks of up to 10 ms. Source: time(7). */
const tickMs = 10;

/** What reports were counted, by path, with their time: a report counts for the step that wrote it, and not for the next. */
export type CountedReports = Map<string, number>;

/** Takes each test as it is read, and writes what it has taken when it is asked to. */
export interface TestSink {
  add(test: ReportedTest): void;
  flush(): Promise<void>;
}

/** The reports below `root` written since `sinceMs` (Unix time), added up; null where there is none. Follows no link. */
export async function findTestResults(
  root: string,
  options: {
    readonly sinceMs: number;
    readonly counted: CountedReports;
    readonly signal: AbortSignal;
    readonly sink: TestSink;
  },
): Promise<TestResults | null> {
  let files = 0;
  let total = 0;
  let failed = 0;
  let skipped = 0;
  const failedNames: string[] = [];
  for (const path of await listXmlFiles(root)) {
    if (options.signal.aborted || files >= maxReports) break;
    const facts = await stat(path).catch(() => null);
    if (facts === null || facts.mtimeMs < options.sinceMs - tickMs || facts.size > maxReportBytes) continue;
    if (options.counted.get(path) === facts.mtimeMs) continue;
    const counts = await readReport(path, options.sink);
    if (counts === null) continue;
    options.counted.set(path, facts.mtimeMs);
    files += 1;
    total += counts.total;
    failed += counts.failed;
    skipped += counts.skipped;
    failedNames.push(...counts.failedNames.slice(0, maxFailedNames - failedNames.length));
  }
  return files === 0 ? null : { files, total, failed, skipped, failedNames };
}

/** `12 tests, 1 failed, 2 skipped, in 3 JUnit files`. */
export function describeTests({ files, total, failed, skipped }: TestResults): string {
  const parts = [
    `${total} ${total === 1 ? 'test' : 'tests'}`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    `in ${files} JUnit ${files === 1 ? 'file' : 'files'}`,
  ];
  return parts.join(', ');
}

/** Breadth first and in order, so that the same tree gives the same list. */
async function listXmlFiles(root: string): Promise<string[]> {
  const found: string[] = [];
  let seen = 0;
  let folders = [root];
  for (let depth = 0; depth <= maxDepth && folders.length > 0; depth += 1) {
    const below: string[] = [];
    for (const folder of folders) {
      const entries = await readFolder(folder);
      for (const entry of entries) {
        seen += 1;
        if (seen > maxEntries) return found;
        if (entry.isDirectory() && !skippedFolders.has(entry.name)) below.push(join(folder, entry.name));
        else if (entry.isFile() && entry.name.endsWith('.xml')) found.push(join(folder, entry.name));
      }
    }
    folders = below;
  }
  return found;
}

async function readFolder(path: string): Promise<Dirent[]> {
  // A folder that a step took away, or closed, holds no report that could be read.
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function readReport(path: string, sink: TestSink): Promise<TestCounts | null> {
  const scanner = createJunitScanner(test => sink.add(test));
  const handle = await open(path, 'r').catch(() => null);
  if (handle === null) return null;
  const decoder = new TextDecoder();
  const buffer = Buffer.alloc(chunkBytes);
  try {
    for (let position = 0; position < maxReportBytes; ) {
      const read = await handle.read(buffer, 0, buffer.length, position).catch(() => null);
      if (read === null || read.bytesRead === 0) break;
      position += read.bytesRead;
      const isReport = scanner.push(decoder.decode(buffer.subarray(0, read.bytesRead), { stream: true }));
      await sink.flush();
      if (!isReport) return null;
    }
  } finally {
    await handle.close();
  }
  const counts = scanner.end();
  await sink.flush();
  return counts;
}
