/** JUnit reports: how they are counted in every cut of their text, and which of a tree's files count. */
import { symlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createJunitScanner, type ReportedTest } from '../../../src-main/worker/junit-scanner.ts';
import { describeTests, findTestResults, type TestSink } from '../../../src-main/worker/test-results.ts';
import { projectFolder } from '../../support/project-folder.ts';

const report = `<?xml version="1.0" encoding="UTF-8"?>
<!-- <testcase name="none"/> -->
<testsuites>
  <testsuite name="a > b" tests="99">
    <testcase classname="Sum" name="adds &quot;1 &amp;amp; 2&quot;"/>
    <testcase name='takes a "> b' classname="Sum">
      <failure message="1 > 2">trace</failure><failure/>
    </testcase>
    <testcase name="waits"><skipped/></testcase>
    <testcase name="talks"><system-out><![CDATA[<testcase name="no"><failure/>]]]]></system-out></testcase>
    <testcase name="breaks"><error/></testcase>
  </testsuite>
</testsuites>
`;
const counts = { total: 5, failed: 2, skipped: 1, failedNames: ['Sum › takes a "> b', 'breaks'] };

const whole = (text: string) => ({ text, isCut: false });

/** What the scanner gives of each test. */
function testsOf(...parts: readonly string[]): ReportedTest[] {
  const tests: ReportedTest[] = [];
  const scanner = createJunitScanner(test => tests.push(test));
  for (const part of parts) scanner.push(part);
  scanner.end();
  return tests;
}

function scan(...parts: readonly string[]) {
  const scanner = createJunitScanner();
  for (const part of parts) scanner.push(part);
  return scanner.end();
}

describe('createJunitScanner', () => {
  it('counts the same, wherever the text is cut', () => {
    expect(scan(report)).toEqual(counts);
    for (let cut = 1; cut < report.length; cut += 1) {
      expect(scan(report.slice(0, cut), report.slice(cut)), `cut at ${cut}`).toEqual(counts);
    }
    expect(scan(...report)).toEqual(counts);
  });

  it('takes nothing else for a report', () => {
    for (const text of ['', 'text', '<html><testcase/></html>', '<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>', '<a']) {
      expect(scan(text), text).toBeNull();
    }
    expect(createJunitScanner().push('<project>')).toBe(false);
    expect(scan(`<testsuite name="${'x'.repeat(600_000)}`)).toBeNull();
  });

  it('counts what is cut off as far as it goes', () => {
    expect(scan('<testsuite><testcase name="a"/><testcase name="b"><failure>')).toMatchObject({ total: 2, failed: 1 });
    const many = '<testcase name="x"><failure/></testcase>'.repeat(5_000);
    const found = scan(`<testsuite>${many}`);
    expect(found).toMatchObject({ total: 5_000, failed: 5_000 });
    expect(found?.failedNames).toHaveLength(100);
  });
});

describe('the tests of a report', () => {
  const detailed = `<testsuite>
<testcase classname="a.B" name="x" time="1,234.5678"><failure message="1 &lt; 2&#10;and &#x41;&amp;#10;" type="T">at &lt;a&gt;
<![CDATA[ raw &lt; ]] ]]> b</failure><system-out>said</system-out></testcase>
<testcase name="later" time="soon"><skipped message="not on Monday"/></testcase>
<testcase name="typed" time="-1"><error type="Panic"/>between</testcase>
</testsuite>`;
  const expected: ReportedTest[] = [
    {
      className: whole('a.B'),
      name: whole('x'),
      outcome: 'failed',
      durationMs: 1_234_568,
      message: whole('1 < 2\nand A&#10;'),
      output: whole('at <a>\n raw &lt; ]]  b\nsaid'),
    },
    {
      className: whole(''),
      name: whole('later'),
      outcome: 'skipped',
      durationMs: null,
      message: whole('not on Monday'),
      output: whole(''),
    },
    {
      className: whole(''),
      name: whole('typed'),
      outcome: 'failed',
      durationMs: null,
      message: whole('Panic'),
      output: whole(''),
    },
  ];

  it('have their time, message and text, wherever the report is cut', () => {
    expect(testsOf(detailed)).toEqual(expected);
    for (let cut = 1; cut < detailed.length; cut += 1) {
      expect(testsOf(detailed.slice(0, cut), detailed.slice(cut)), `cut at ${cut}`).toEqual(expected);
    }
    expect(testsOf(...detailed)).toEqual(expected);
  });

  it('keep a bounded part of what they print, and say that it was cut', () => {
    for (const long of ['x'.repeat(300_000), `<![CDATA[${'x'.repeat(300_000)}]]>`, '&amp;'.repeat(100_000)]) {
      const report = `<testsuite><testcase name="n"><failure>${long}</failure></testcase></testsuite>`;
      const [test] = testsOf(...(report.match(/[\s\S]{1,65536}/g) ?? []));
      expect(test?.output.text).toHaveLength(8_000);
      expect(test?.output.isCut).toBe(true);
    }
  });
});

describe('findTestResults', () => {
  const sink: TestSink = { add: () => undefined, flush: async () => undefined };
  const { signal } = new AbortController();

  it('adds up the reports that a step wrote, and each one once', async () => {
    const root = await projectFolder({
      'reports/one.xml': report,
      'target/surefire-reports/TEST-a.xml': '<testsuite><testcase name="a"/></testsuite>',
      'pom.xml': '<project/>',
      'old/junit.xml': report,
      'node_modules/other/junit.xml': report,
    });
    await utimes(join(root, 'old/junit.xml'), 1_000, 1_000);
    const elsewhere = await projectFolder({ 'junit.xml': report });
    await symlink(elsewhere, join(root, 'elsewhere'));
    const options = { sinceMs: 2_000_000, counted: new Map<string, number>(), signal, sink };
    const found = await findTestResults(root, options);
    expect(found).toMatchObject({ files: 2, total: 6, failed: 2, skipped: 1 });
    expect(found && describeTests(found)).toBe('6 tests, 2 failed, 1 skipped, in 2 JUnit files');
    expect(await findTestResults(root, options)).toBeNull();
  });

  it('is null where there is none', async () => {
    const root = await projectFolder({ 'a.xml': 'broken <' });
    expect(await findTestResults(root, { sinceMs: 0, counted: new Map(), signal, sink })).toBeNull();
  });
});
