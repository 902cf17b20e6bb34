/** Owns counting the test cases of a JUnit report as it streams by, with a bounded part of it in memory. Resolves no entity and no reference. */

export interface TestCounts {
  readonly total: number;
  readonly failed: number;
  readonly skipped: number;
  /** At most 100, in the order of the report. */
  readonly failedNames: readonly string[];
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

/**
 * Counts every `testcase`; one with a `failure` or `error` in it failed, one with `skipped` was skipped.
 * Source: the JUnit schema that Maven Surefire publishes, surefire-test-report.xsd.
 */
export function createJunitScanner(): JunitScanner {
  let pending = '';
  let skippingTo: string | null = null;
  let isReport: boolean | null = null;
  let current: { readonly name: string; outcome: 'passed' | 'failed' | 'skipped' } | null = null;
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
      if (failedNames.length < maxFailedNames) failedNames.push(current.name);
    }
    current = null;
  };

  const seeTag = (tag: string) => {
    if (tag.startsWith('</')) {
      if (nameOf(tag, 2) === 'testcase') finish();
      return;
    }
    const name = nameOf(tag, 1);
    isReport ??= name === 'testsuites' || name === 'testsuite';
    if (!isReport) return;
    if (name === 'testcase') {
      finish();
      const attributes = attributesOf(tag);
      const parts = [attributes.get('classname'), attributes.get('name')].filter(part => part);
      current = { name: parts.join(' › ').slice(0, maxNameLength) || 'a test without a name', outcome: 'passed' };
      if (tag.endsWith('/>')) finish();
    } else if (current !== null && (name === 'failure' || name === 'error')) {
      current.outcome = 'failed';
    } else if (current !== null && name === 'skipped' && current.outcome === 'passed') {
      current.outcome = 'skipped';
    }
  };

  /** Takes one thing off the beginning of what is pending; false where more text is needed. */
  const step = (): boolean => {
    if (skippingTo !== null) {
      const end = pending.indexOf(skippingTo);
      pending = end < 0 ? pending.slice(-(skippingTo.length - 1)) : pending.slice(end + skippingTo.length);
      if (end >= 0) skippingTo = null;
      return end >= 0;
    }
    const start = pending.indexOf('<');
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

/** One past the `>` that ends the tag at the beginning; one within quotes ends nothing. -1 where it is not there yet. */
function tagEnd(text: string): number {
  let quote = '';
  for (let index = 1; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (quote !== '') {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return index + 1;
  }
  return -1;
}

const isSpace = (character: string) =>
  character === ' ' || character === '\n' || character === '\t' || character === '\r';

function nameOf(tag: string, from: number): string {
  let end = from;
  while (end < tag.length && !isSpace(tag.charAt(end)) && !'/>'.includes(tag.charAt(end))) end += 1;
  return tag.slice(from, end);
}

function attributesOf(tag: string): Map<string, string> {
  const attributes = new Map<string, string>();
  let at = 1 + nameOf(tag, 1).length;
  for (;;) {
    while (isSpace(tag.charAt(at))) at += 1;
    const equals = tag.indexOf('=', at);
    if (equals < 0) return attributes;
    const name = tag.slice(at, equals).trim();
    let open = equals + 1;
    while (isSpace(tag.charAt(open))) open += 1;
    const quote = tag.charAt(open);
    const close = quote === '"' || quote === "'" ? tag.indexOf(quote, open + 1) : -1;
    if (close < 0) return attributes;
    attributes.set(name, plainText(tag.slice(open + 1, close)));
    at = close + 1;
  }
}

/** The five entities of XML itself; `&amp;` last, since what it leaves is text. */
function plainText(value: string): string {
  return value
    .slice(0, 4 * maxNameLength)
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&');
}
