/** Owns what a person does with the selected region: retry, verify, pause, limits; and what a verification found. */
import { RotateCw } from 'lucide-react';
import { useState } from 'react';
import type { AuditResult } from '../../../src-main/contract/replication-api.ts';
import type { RegionView } from '../../../src-main/contract/views/region.ts';
import { client } from '../../client/client.ts';
import { useCommands } from '../../commands/registry.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import text from '../../ui/text.module.css';
import { storeKindOf } from './add-region-model.ts';
import { AuditFindings } from './audit-findings.tsx';
import { RegionAccessDialog } from './region-access-dialog.tsx';
import { auditWords } from './region-facts.ts';
import { RegionLimitsDialog } from './region-limits-dialog.tsx';
import styles from './regions-view.module.css';

export interface RegionActionsProps {
  readonly region: RegionView;
  readonly failed: boolean;
  readonly onChanged: () => void;
}

/** The buttons of a region, each of them in the palette too. */
export function RegionActions({ region, failed, onChanged }: RegionActionsProps) {
  const { id, isMain, name, paused } = region;
  const [said, setSaid] = useState('');
  const [found, setFound] = useState<AuditResult | null>(null);
  const [asked, setAsked] = useState<'limits' | 'access' | null>(null);
  const kind = storeKindOf(region.storeUrl);
  const retry = useAction(() => client.regions.retry({ id }));
  const verify = useAction((deep: boolean) => client.regions.verify({ id, deep }));
  const pause = useAction(() => client.regions.setPaused({ id, paused: !paused }));
  const error = retry.error ?? verify.error ?? pause.error;

  const startAgain = async () => {
    if (await retry.run()) setSaid('The copies start again now.');
    onChanged();
  };
  const lookAt = async (deep: boolean) => {
    setFound(null);
    setSaid(deep ? 'Reading everything back…' : 'Looking at everything here…');
    const result = await verify.run(deep);
    setSaid(result ? auditWords(result) : '');
    setFound(result ?? null);
    onChanged();
  };
  const turn = async () => {
    await pause.run();
    onChanged();
  };
  const canRetry = !isMain && (failed || region.behind > 0);
  const group = 'Do' as const;
  useCommands([
    {
      id: 'regions.verify',
      title: `Verify ${name}`,
      group,
      shortcut: null,
      isEnabled: () => !verify.busy,
      run: () => void lookAt(false),
    },
    {
      id: 'regions.retry',
      title: `Retry copies to ${name}`,
      group,
      shortcut: null,
      isEnabled: () => canRetry,
      run: () => void startAgain(),
    },
    {
      id: 'regions.pause',
      title: `${paused ? 'Resume' : 'Pause'} ${name}`,
      group,
      shortcut: null,
      isEnabled: () => !isMain,
      run: () => void turn(),
    },
    {
      id: 'regions.limits',
      title: `Change the limits of ${name}`,
      group,
      shortcut: null,
      isEnabled: () => true,
      run: () => setAsked('limits'),
    },
    {
      id: 'regions.access',
      title: `Replace the credentials of ${name}`,
      group,
      shortcut: null,
      isEnabled: () => kind !== 'folder',
      run: () => setAsked('access'),
    },
  ]);

  return (
    <>
      <div className={styles.actions}>
        {!isMain && (
          <Button
            variant={failed ? 'primary' : 'plain'}
            icon={<RotateCw size={14} strokeWidth={1.5} aria-hidden />}
            busy={retry.busy}
            disabled={!canRetry}
            onClick={() => void startAgain()}
          >
            Retry copies
          </Button>
        )}
        <Button busy={verify.busy} onClick={() => void lookAt(false)}>
          Verify now
        </Button>
        <Button disabled={verify.busy} onClick={() => void lookAt(true)}>
          Verify every byte
        </Button>
        {!isMain && (
          <Button busy={pause.busy} onClick={() => void turn()}>
            {paused ? 'Resume region' : 'Pause region'}
          </Button>
        )}
        <Button onClick={() => setAsked('limits')}>Limits</Button>
        {kind !== 'folder' && <Button onClick={() => setAsked('access')}>Credentials</Button>}
      </div>
      <p className={text.sub} aria-live="polite">
        {said}
      </p>
      {found && <AuditFindings result={found} />}
      {error && <ErrorNotice error={error} />}
      {asked === 'limits' && (
        <RegionLimitsDialog region={region} onClose={() => setAsked(null)} onChanged={onChanged} />
      )}
      {asked === 'access' && (
        <RegionAccessDialog region={region} kind={kind} onClose={() => setAsked(null)} onChanged={onChanged} />
      )}
    </>
  );
}
