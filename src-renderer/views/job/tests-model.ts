/** Owns what a job's tests look like in words. Pure. */
import type { TestCase, TestSummary } from '../../../src-main/contract/test-results.ts';
import type { VisualState } from '../../../src-main/contract/views/state.ts';
import { formatCount, formatDuration, plural } from '../../ui/format.ts';

/** The name of the tab: failures first, since they are what one opens it for. */
export function testsLabel(summary: TestSummary | null): string {
  if (summary === null) return 'Tests';
  return summary.failed > 0 ? `Tests, ${formatCount(summary.failed)} failed` : `Tests, ${formatCount(summary.total)}`;
}

/** `1,204 tests, 3 failed, 2 skipped, 12.3 s in 4 JUnit files`. */
export function summaryWords({ total, failed, skipped, files, durationMs }: TestSummary): string {
  const counts = [
    plural(total, 'test'),
    ...(failed > 0 ? [`${formatCount(failed)} failed`] : []),
    ...(skipped > 0 ? [`${formatCount(skipped)} skipped`] : []),
    formatDuration(durationMs, { tenths: true }),
  ];
  return `${counts.join(', ')} in ${plural(files, 'JUnit file')}`;
}

/** What is not listed, in words; null where everything is. */
export function unlistedWords({ total, kept }: TestSummary): string | null {
  return kept < total ? `${plural(total - kept, 'test')} beyond the list's limit are counted and not listed.` : null;
}

export function testName({ className, name }: Pick<TestCase, 'className' | 'name'>): string {
  return className === '' ? name : `${className} › ${name}`;
}

export function testTime(durationMs: number | null): string {
  if (durationMs === null) return '';
  return durationMs < 1_000 ? `${Math.round(durationMs)} ms` : formatDuration(durationMs, { tenths: true });
}

/** Null for a skipped test: it has no state. */
export function testLook({ outcome }: Pick<TestCase, 'outcome'>): VisualState | null {
  switch (outcome) {
    case 'passed':
      return 'verified';
    case 'failed':
      return 'failed';
    case 'skipped':
      return null;
  }
}
