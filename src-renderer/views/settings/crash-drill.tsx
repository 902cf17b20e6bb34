/** Owns the crash drill among the settings: its button, and the recovery that was measured. */
import { useStore } from 'zustand';
import type { DrillResult } from '../../../src-main/contract/drill.ts';
import { commandById } from '../../commands/registry.ts';
import { drillStore } from '../../state/drill.ts';
import { routeHref } from '../../state/route.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import { drillTimes, drillVerdict } from './drill-model.ts';
import styles from './settings.module.css';

function Result({ result }: { readonly result: DrillResult }) {
  return (
    <>
      <dt>
        <StateGlyph state={result.holds ? 'verified' : 'failed'} label={null} /> Result
      </dt>
      <dd>
        {drillVerdict(result)}
        <p className={styles.hint}>
          {result.workerName} (pid {result.pid}) was killed during{' '}
          <a href={routeHref({ view: 'job', jobId: result.jobId })}>job {result.jobNumber}</a>. Since then:{' '}
          {drillTimes(result)
            .map(([what, after]) => `${what} ${after}`)
            .join(', ')}
          .
        </p>
      </dd>
    </>
  );
}

/** The section of the drill. */
export function CrashDrill() {
  const state = useStore(drillStore);
  return (
    <section className={styles.section}>
      <h2>Crash drill</h2>
      <dl className={styles.facts}>
        <dt>Try it</dt>
        <dd>
          <Button busy={state.kind === 'running'} onClick={() => commandById('drill.run')?.run()}>
            Kill a worker
          </Button>
          <p className={styles.hint} aria-live="polite">
            {state.kind === 'running'
              ? 'A harmless job runs; its worker is killed, and the recovery is measured.'
              : 'Kills a worker on purpose during a harmless job of its own, never one that builds, and shows how long the recovery took.'}
          </p>
        </dd>
        {state.kind === 'done' && <Result result={state.result} />}
      </dl>
      {state.kind === 'refused' && <ErrorNotice error={state.error} />}
    </section>
  );
}
