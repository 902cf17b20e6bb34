/** Owns whether the pack of a job's build is kept: reclaimed since when, or pinned by a person, which is done here. */
import type { JobDetail } from '../../../src-main/contract/views/job.ts';
import { client } from '../../client/client.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { RelativeTime } from '../../ui/time.tsx';

/** A few words within the facts of a job. The engine's event brings what has changed. */
export function BuildKeeping({ build }: { readonly build: NonNullable<JobDetail['build']> }) {
  const isPinned = build.pinnedAtMs !== null;
  const pin = useAction(() => client.builds.pin({ id: build.id, pinned: !isPinned }));
  if (build.reclaimedAtMs !== null) {
    return (
      <>
        {' · its pack was reclaimed '}
        <RelativeTime atMs={build.reclaimedAtMs} />
        {'; build it again to release it'}
      </>
    );
  }
  return (
    <>
      {isPinned ? ' · pinned: its pack stays ' : ' '}
      <Button busy={pin.busy} onClick={() => void pin.run()}>
        {isPinned ? 'Unpin' : 'Pin the build'}
      </Button>
      {pin.error && ` ${pin.error.message}`}
    </>
  );
}
