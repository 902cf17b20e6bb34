/** Owns a job as a JUnit document: its steps, and the tests that they reported, for tools that read nothing else. */
import type { TestCase } from '../contract/test-results.ts';
import type { StepRecord } from '../database/attempts.ts';
import { xmlText } from './badge.ts';

const seconds = (ms: number | null) => (ms === null ? '0' : (ms / 1_000).toFixed(3));

interface Case {
  readonly className: string;
  readonly name: string;
  readonly durationMs: number | null;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly message: string | null;
  readonly output: string | null;
}

function caseOfStep({ name, phase, status, startedAt, finishedAt, exitCode, detail }: StepRecord): Case {
  const outcome = status === 'succeeded' ? 'passed' : status === 'failed' ? 'failed' : 'skipped';
  return {
    ...{ className: phase, name, outcome, output: null },
    durationMs: startedAt === null || finishedAt === null ? null : finishedAt - startedAt,
    message: outcome === 'passed' ? null : (detail ?? (exitCode === null ? status : `exit code ${exitCode}`)),
  };
}

function caseXml({ className, name, durationMs, outcome, message, output }: Case): string {
  const head = `<testcase classname="${xmlText(className)}" name="${xmlText(name)}" time="${seconds(durationMs)}"`;
  if (outcome === 'passed') return `${head}/>`;
  const said = message === null ? '' : ` message="${xmlText(message)}"`;
  const inner = outcome === 'skipped' ? `<skipped${said}/>` : `<failure${said}>${xmlText(output ?? '')}</failure>`;
  return `${head}>${inner}</testcase>`;
}

function suiteXml(name: string, cases: readonly Case[]): string {
  const count = (outcome: Case['outcome']) => cases.filter(one => one.outcome === outcome).length;
  const total = cases.reduce((sum, { durationMs }) => sum + (durationMs ?? 0), 0);
  return [
    `<testsuite name="${xmlText(name)}" tests="${cases.length}" failures="${count('failed')}" errors="0" skipped="${count('skipped')}" time="${seconds(total)}">`,
    ...cases.map(caseXml),
    '</testsuite>',
  ].join('\n');
}

/** A suite of the job's steps, and one for each step that reported tests. Source: the form that Maven Surefire writes and CI tools read. */
export function junitDocument(title: string, steps: readonly StepRecord[], tests: readonly TestCase[]): string {
  const byStep = Map.groupBy(tests, ({ step }) => step);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xmlText(title)}">`,
    suiteXml('steps', steps.map(caseOfStep)),
    ...[...byStep].map(([step, cases]) => suiteXml(step, cases)),
    '</testsuites>\n',
  ].join('\n');
}
