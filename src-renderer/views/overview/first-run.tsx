/** Owns what a new installation shows: what will happen here, and one action that makes it happen. */
import { Play, Plus } from 'lucide-react';
import type { StageName, StageView } from '../../../src-main/contract/views/state.ts';
import { client } from '../../client/client.ts';
import { runCommand } from '../../commands/registry.ts';
import { queries } from '../../state/queries.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { Track } from '../../ui/track.tsx';
import { stageNames } from '../../ui/track-model.ts';
import styles from './overview.module.css';

const journey: Record<StageName, string> = {
  commit: 'seen within 10 s',
  queue: 'first in, first out',
  build: 'on this computer',
  store: 'kept, signed',
  regions: 'copied, verified',
  machines: 'peer to peer',
};

const ahead: readonly StageView[] = stageNames.map(stage => ({
  stage,
  state: 'ahead',
  startedAtMs: null,
  finishedAtMs: null,
  done: null,
  total: null,
  progress: null,
  note: null,
}));

/** The first run. */
export function FirstRun() {
  const sample = useAction(async () => {
    await client.repositories.addSample();
    queries.refetch('overview');
  });
  return (
    <>
      <div className={styles.first}>
        <h2 className={styles.firstTitle}>Nothing is on the slipway yet</h2>
        <p className={styles.firstWords}>
          Slipway watches a repository, builds every new revision here, keeps the result in a store, copies it to every
          region and hands it to your machines. The sample project shows the whole way in about a minute, without an
          account or a network.
        </p>
        <div className={styles.firstActions}>
          <Button
            variant="primary"
            icon={<Play size={14} strokeWidth={1.5} aria-hidden />}
            busy={sample.busy}
            onClick={() => void sample.run()}
          >
            {sample.busy ? 'Adding the sample project' : 'Try the sample project'}
          </Button>
          <Button
            icon={<Plus size={14} strokeWidth={1.5} aria-hidden />}
            onClick={() => runCommand('repositories.add')}
          >
            Add a repository
          </Button>
        </div>
        <div className={styles.firstTrack}>
          <Track stages={ahead} named aheadText={stage => journey[stage]} />
        </div>
      </div>
      {sample.error && <ErrorNotice error={sample.error} onRetry={() => void sample.run()} />}
    </>
  );
}
