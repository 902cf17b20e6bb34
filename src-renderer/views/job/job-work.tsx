/** Owns the lower half of a job's page: why it failed, steps beside log, tests, environment and components, and which attempt is shown. */
import { Tabs } from '@base-ui/react/tabs';
import { useState } from 'react';
import type { JobDetail } from '../../../src-main/contract/views/job.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { JobComponents } from './job-components.tsx';
import { JobEnvironment } from './job-environment.tsx';
import { JobFailure } from './job-failure.tsx';
import { JobLogPane, type ShowRequest } from './job-log-pane.tsx';
import { JobSteps } from './job-steps.tsx';
import { JobTests } from './job-tests.tsx';
import styles from './job-view.module.css';
import { testsLabel } from './tests-model.ts';
import { useTests } from './use-tests.ts';

/** Cause, steps and what they left of a job. */
export function JobWork({
  job,
  busy,
  onRetry,
}: {
  readonly job: JobDetail;
  readonly busy: boolean;
  readonly onRetry: () => void;
}) {
  const [chosen, setChosen] = useState<number | null>(null);
  const [request, setRequest] = useState<ShowRequest | null>(null);
  const [current, setCurrent] = useState<number | null>(null);
  const [tab, setTab] = useState('log');
  const attempt = chosen ?? job.attempt;
  const tests = useTests(job.id, attempt, 'failed', 0);
  const show = (place: ShowRequest['place']) => {
    setTab('log');
    setRequest(previous => ({ place, turn: (previous?.turn ?? 0) + 1 }));
  };
  const showOfNewest = (place: ShowRequest['place']) => {
    setChosen(null);
    show(place);
  };
  return (
    <>
      <JobFailure job={job} busy={busy} onRetry={onRetry} onFirstError={() => showOfNewest('first-error')} />
      <div className={styles.work}>
        <JobSteps job={job} current={attempt === job.attempt ? current : null} onShow={showOfNewest} />
        {attempt === 0 ? (
          <EmptyState title="No output yet">
            {job.waitingFor ? `The job waits: ${job.waitingFor.text}.` : 'The log begins when a worker takes the job.'}
          </EmptyState>
        ) : (
          <Tabs.Root className={styles.tabs} value={tab} onValueChange={value => setTab(String(value))}>
            <Tabs.List className={styles.tabList} aria-label="What the job left">
              <Tabs.Tab className={styles.tab} value="log">
                Log
              </Tabs.Tab>
              <Tabs.Tab className={styles.tab} value="tests">
                {testsLabel(tests.data?.summary ?? null)}
              </Tabs.Tab>
              <Tabs.Tab className={styles.tab} value="environment">
                Environment
              </Tabs.Tab>
              <Tabs.Tab className={styles.tab} value="components">
                Components
              </Tabs.Tab>
            </Tabs.List>
            <Tabs.Panel className={styles.panel} value="log" keepMounted tabIndex={-1}>
              <JobLogPane
                key={`${job.id}:${attempt}`}
                job={job}
                attempt={attempt}
                request={request}
                onAttempt={next => {
                  setRequest(null);
                  setChosen(next === job.attempt ? null : next);
                }}
                onFirstError={() => show('first-error')}
                onStep={setCurrent}
              />
            </Tabs.Panel>
            <Tabs.Panel className={styles.scroll} value="tests">
              <JobTests key={attempt} jobId={job.id} attempt={attempt} first={tests} />
            </Tabs.Panel>
            <Tabs.Panel className={styles.scroll} value="environment">
              <JobEnvironment job={job} />
            </Tabs.Panel>
            <Tabs.Panel className={styles.scroll} value="components">
              <JobComponents job={job} />
            </Tabs.Panel>
          </Tabs.Root>
        )}
      </div>
    </>
  );
}
