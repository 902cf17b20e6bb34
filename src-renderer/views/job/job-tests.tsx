/** Owns the tests of one attempt: their sum, the failed ones with what they say, the slowest, and all of them page by page. */
import { useState } from 'react';
import type { TestCase, TestOutcome, TestPage } from '../../../src-main/contract/test-results.ts';
import type { Query } from '../../state/use-query.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import styles from './job-tests.module.css';
import { summaryWords, testLook, testName, testTime, unlistedWords } from './tests-model.ts';
import { useTests } from './use-tests.ts';

export interface JobTestsProps {
  readonly jobId: string;
  readonly attempt: number;
  /** The first page of those that failed. */
  readonly first: Query<TestPage>;
}

/** The tests of an attempt. Key it by attempt. */
export function JobTests({ jobId, attempt, first }: JobTestsProps) {
  const [showsAll, setShowsAll] = useState(false);
  if (first.error && !first.data) return <ErrorNotice error={first.error} onRetry={first.refetch} />;
  if (!first.data) return <EmptyState title="Loading the tests" />;
  const { summary, reclaimedAtMs } = first.data;
  if (reclaimedAtMs !== null) {
    return (
      <EmptyState title="The tests were reclaimed">They went with the log of this attempt, to free space.</EmptyState>
    );
  }
  if (summary === null) {
    return (
      <EmptyState title="No test report">
        Steps that write JUnit files have their tests listed here, wherever in the tree the files lie.
      </EmptyState>
    );
  }
  const unlisted = unlistedWords(summary);
  return (
    <section className={styles.tests} aria-label={`Tests of attempt ${attempt}`}>
      <p>{summaryWords(summary)}</p>
      {unlisted && <p className={text.sub}>{unlisted}</p>}
      {summary.failed > 0 && (
        <>
          <h3 className={styles.title}>Failed</h3>
          <Pages jobId={jobId} attempt={attempt} outcome="failed" />
        </>
      )}
      {summary.slowest.length > 0 && (
        <>
          <h3 className={styles.title}>Slowest</h3>
          <TestTable label="Slowest tests" tests={summary.slowest} />
        </>
      )}
      <h3 className={styles.title}>All</h3>
      {showsAll ? (
        <Pages jobId={jobId} attempt={attempt} outcome={null} />
      ) : (
        <Button onClick={() => setShowsAll(true)}>Show all tests</Button>
      )}
    </section>
  );
}

interface PagesProps {
  readonly jobId: string;
  readonly attempt: number;
  readonly outcome: TestOutcome | null;
}

/** Page after page, each read when it is asked for. */
function Pages(props: PagesProps) {
  const [starts, setStarts] = useState<readonly number[]>([0]);
  return starts.map((after, index) => (
    <Page
      key={after}
      {...props}
      after={after}
      onMore={index === starts.length - 1 ? next => setStarts([...starts, next]) : null}
    />
  ));
}

function Page({
  jobId,
  attempt,
  outcome,
  after,
  onMore,
}: PagesProps & { readonly after: number; readonly onMore: ((next: number) => void) | null }) {
  const page = useTests(jobId, attempt, outcome, after);
  if (page.error) return <ErrorNotice error={page.error} onRetry={page.refetch} />;
  const { tests = [], next = null } = page.data ?? {};
  return (
    <>
      {outcome === 'failed' ? (
        <ol className={styles.failures}>
          {tests.map((test, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two tests of a report may have one name
            <Failure key={index} test={test} />
          ))}
        </ol>
      ) : (
        <TestTable label={`Tests from ${after}`} tests={tests} />
      )}
      {onMore !== null && next !== null && <Button onClick={() => onMore(next)}>Show more</Button>}
    </>
  );
}

/** What a failed test says. All of it is the build's text, and shown as nothing but text. */
function Failure({ test }: { readonly test: TestCase }) {
  return (
    <li className={styles.failure}>
      <div className={styles.line}>
        <StateGlyph state="failed" size={12} label="failed" />
        <span className={styles.name}>{testName(test)}</span>
        <span className={text.sub}>{test.step}</span>
        <span className={text.sub}>{testTime(test.durationMs)}</span>
      </div>
      {test.message && <p className={styles.message}>{test.message}</p>}
      {test.output && (
        <details>
          <summary className={text.sub}>Output</summary>
          <pre className={styles.output}>{test.output}</pre>
        </details>
      )}
    </li>
  );
}

function TestTable({
  label,
  tests,
}: {
  readonly label: string;
  readonly tests: readonly Pick<TestCase, 'className' | 'name' | 'outcome' | 'durationMs' | 'step'>[];
}) {
  return (
    <table className={classes(table.table, table.slim)} aria-label={label}>
      <tbody>
        {tests.map((test, index) => {
          const look = testLook(test);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: two tests of a report may have one name
            <tr key={index}>
              <td className={styles.glyph}>
                {look === null ? (
                  <span className={text.sub}>–</span>
                ) : (
                  <StateGlyph state={look} size={12} label={test.outcome} />
                )}
              </td>
              <td title={testName(test)}>{testName(test)}</td>
              <td className={classes(styles.step, text.sub)} title={test.step}>
                {look === null ? 'skipped' : test.step}
              </td>
              <td className={classes(styles.time, table.num)}>{testTime(test.durationMs)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
