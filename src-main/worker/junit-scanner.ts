/** Owns reading the test cases of a JUnit report as it streams by, with a bounded part of it in memory. Resolves no entity but XML's own. */
import type { TestOutcome } from '../contract/test-results.ts';
import { attributesOf, type CutText, createTextCollector, nameOf, tagEnd } from './junit-text.ts';

export interface TestCounts {
  readonly total: number;
  readonly failed: number;
  readonly skipped: number;
  /** At most 100, in the order of the report. */
  readonly failedNames: readonly string[];
}

/** One test as its report has it; its texts are bounded, and not cleaned or masked yet. */
export interface ReportedTest {
  readonly className: CutText;
  readonly name: CutText;
  readonly outcome: TestOutcome;
  /** Null where the report does not say, or nothing that is a time. */
  readonly durationMs: number | null;
  /** Of the failure, or of why it was skipped. */
  readonly message: CutText | null;
  /** What stands within the failure, and what the test printed. */
  readonly output: CutText;
}

export interface JunitScanner {
  /** False once the text is known not to be a JUnit report: no more of it need be read. */
  push(text: string): boolean;
  /** Null where it was no JUnit report. What is cut off counts as far as it goes. */
  end(): TestCounts | null;
}

export const maxFailedNames = 100;
const maxNameLength = 200;
/** No tag with its attributes is longer; a report with such a one is not read on. */
const maxTagLength = 256 * 1024;

/** What is passed over whole, however long: standard output of tests lies in CDATA. */
const passedOver = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
] as const;
const longestOpening = 9;

/** What is kept of the text within these; other elements of a test say nothing of its end. */
const collected = new Set(['failure', 'error', 'skipped', 'system-out', 'system-err']);

interface OpenTest {
  readonly shownName: string;
  readonly className: CutText;
  readonly name: CutText;
  readonly durationMs: number | null;
  readonly output: ReturnType<typeof createTextCollector>;
  outcome: TestOutcome;
  message: CutText | null;
}

/**
 * Counts every `testcase`, and gives each to `onTest`; one with a `failure` or `error` in it failed, one with `skipped` was
 * skipped. Source: the JUnit schema that Maven Surefire publishes, surefire-test-report.xsd.
 */
export function createJunitScanner(onTest: (test: ReportedTest) => void = () => undefined): JunitScanner {
  let pending = '';
  let skippingTo: string | null = null;
  let isReport: boolean | null = null;
  let current: OpenTest | null = null;
  /** The element of the current test whose text is collected. */
  let within: string | null = null;
  let total = 0;
  let failed = 0;
  let skipped = 0;
  const failedNames: string[] = [];

  const finish = () => {
    if (current === null) return;
    total += 1;
    if (current.outcome === 'skipped') skipped += 1;
    if (current.outcome === 'failed') {
      failed += 1;
      if (failedNames.length < maxFailedNames) failedNames.push(current.shownName);
    }
    const { className, name, outcome, durationMs, message, output } = current;
    onTest({ className, name, outcome, durationMs, message, output: output.end() });
    current = null;
    within = null;
  };

  const begin = (tag: string) => {
    finish();
    const attributes = attributesOf(tag);
    const className = attributes.get('classname') ?? emptyText;
    const name = attributes.get('name') ?? emptyText;
    const parts = [className.text, name.text].filter(part => part);
    current = {
      shownName: parts.join(' › ').slice(0, maxNameLength) || 'a test without a name',
      className,
      name,
      durationMs: milliseconds(attributes.get('time')?.text),
      output: createTextCollector(),
      outcome: 'passed',
      message: null,
    };
    if (tag.endsWith('/>')) finish();
  };

  const seePart = (test: OpenTest, name: string, tag: string) => {
    if (name === 'failure' || name === 'error') test.outcome = 'failed';
    else if (name === 'skipped' && test.outcome === 'passed') test.outcome = 'skipped';
    if (within !== null || !collected.has(name)) return;
    const attributes = attributesOf(tag);
    if (!name.startsWith('system-')) test.message ??= attributes.get('message') ?? attributes.get('type') ?? null;
    if (tag.endsWith('/>')) return;
    within = name;
    test.output.startPart();
  };

  const seeTag = (tag: string) => {
    if (tag.startsWith('</')) {
      const name = nameOf(tag, 2);
      if (name === 'testcase') finish();
      else if (name === within) within = null;
      return;
    }
    const name = nameOf(tag, 1);
    isReport ??= name === 'testsuites' || name === 'testsuite';
    if (!isReport) return;
    if (name === 'testcase') begin(tag);
    else if (current !== null) seePart(current, name, tag);
  };

  const seeText = (text: string, isData: boolean) => {
    if (current !== null && within !== null && text !== '') current.output.add(text, isData);
  };

  /** Takes one thing off the beginning of what is pending; false where more text is needed. */
  const step = (): boolean => {
    if (skippingTo !== null) {
      const end = pending.indexOf(skippingTo);
      const until = end < 0 ? Math.max(0, pending.length - (skippingTo.length - 1)) : end;
      if (skippingTo === ']]>') seeText(pending.slice(0, until), true);
      pending = pending.slice(end < 0 ? until : end + skippingTo.length);
      if (end >= 0) skippingTo = null;
      return end >= 0;
    }
    const start = pending.indexOf('<');
    seeText(start < 0 ? pending : pending.slice(0, start), false);
    pending = start < 0 ? '' : pending.slice(start);
    if (pending.length < longestOpening && !pending.includes('>')) return false;
    const region = passedOver.find(([opening]) => pending.startsWith(opening));
    if (region !== undefined) {
      pending = pending.slice(region[0].length);
      skippingTo = region[1];
      return true;
    }
    const end = tagEnd(pending);
    if (end < 0) {
      // A document type could name entities; no test runner writes one.
      if (pending.length > maxTagLength) isReport = false;
      return false;
    }
    if (pending.startsWith('<!')) isReport = false;
    else seeTag(pending.slice(0, end));
    pending = pending.slice(end);
    return isReport !== false;
  };

  return {
    push(text) {
      pending += text;
      while (isReport !== false && step());
      return isReport !== false;
    },
    end() {
      finish();
      return isReport ? { total, failed, skipped, failedNames } : null;
    },
  };
}

const emptyText: CutText = { text: '', isCut: false };

/** Seconds, as reports have them; Surefire writes thousands with a comma. */
function milliseconds(time: string | undefined): number | null {
  const seconds = Number((time ?? '').replaceAll(',', '') || Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.round(seconds * 1_000) : null;
}
