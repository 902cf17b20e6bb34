import { expect, it } from 'vitest';
import type { StepRecord } from '../../../src-main/database/attempts.ts';
import { badgeSvg } from '../../../src-main/interchange/badge.ts';
import { junitDocument } from '../../../src-main/interchange/junit-document.ts';
import { createJunitScanner } from '../../../src-main/worker/junit-scanner.ts';

it('makes a badge of any text without letting it out of its place', () => {
  const svg = badgeSvg('</text><script>alert(1)</script>', '\u0000\u202e"&\'<x onload=1>', 'bad');
  expect(svg).not.toMatch(/<script|<x|\p{Cf}|[^\n\P{Cc}]/u);
  expect(svg.match(/<(?!\/)[a-z]+/g)).toEqual(['<svg', '<title', '<rect', '<rect', '<g', '<text', '<text']);
  expect(badgeSvg('app', 'passing', 'good')).not.toMatch(/href|url\(|style|\son/);
  expect(badgeSvg('a'.repeat(500), 'passing', 'good').length).toBeLessThan(1_200);
});

const step = (change: Partial<StepRecord>): StepRecord => ({
  ...{
    jobId: 'j',
    attempt: 1,
    position: 0,
    name: 'Test',
    phase: 'test',
    command: null,
    idempotent: 1,
    status: 'succeeded',
  },
  ...{ startedAt: 1_000, finishedAt: 3_500, exitCode: 0, logOffset: 0, detail: null, evidence: '[]' },
  ...change,
});

it('writes steps and tests as JUnit, escaped', () => {
  const text = junitDocument(
    'app #7',
    [
      step({}),
      step({ name: 'Build "x" <y>', status: 'failed', exitCode: 2 }),
      step({ name: 'Pack', status: 'pending', startedAt: null, finishedAt: null, exitCode: null }),
    ],
    [
      {
        step: 'Test',
        className: 'A',
        name: 'adds & takes',
        outcome: 'passed',
        durationMs: 12,
        message: null,
        output: null,
      },
      {
        step: 'Test',
        className: 'A',
        name: 'fails',
        outcome: 'failed',
        durationMs: null,
        message: 'no\u0001',
        output: 'at <a>',
      },
    ],
  );
  expect(text).toContain('<testsuite name="steps" tests="3" failures="1" errors="0" skipped="1" time="5.000">');
  expect(text).toContain('name="Build &quot;x&quot; &lt;y&gt;" time="2.500"><failure message="exit code 2">');
  expect(text).toContain('<failure message="no">at &lt;a&gt;</failure>');
  expect(text).toContain('name="adds &amp; takes" time="0.012"/>');
  // What Slipway writes, Slipway reads.
  const scanner = createJunitScanner();
  scanner.push(text);
  expect(scanner.end()).toMatchObject({ total: 5, failed: 2, skipped: 1 });
});
