/** Owns the dialog that promotes a build or rolls a channel back, with what was checked just now. */
import { Undo2 } from 'lucide-react';
import { useState } from 'react';
import type { Preflight } from '../../../src-main/contract/views/release.ts';
import { client } from '../../client/client.ts';
import { useRepository } from '../../state/shared-queries.ts';
import { useAction } from '../../state/use-action.ts';
import { useQuery } from '../../state/use-query.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { CheckField, TextField } from '../../ui/field.tsx';
import { shortSha } from '../../ui/format.ts';
import { Select } from '../../ui/select.tsx';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import text from '../../ui/text.module.css';
import { Sha } from '../../ui/time.tsx';
import styles from './release-dialog.module.css';
import {
  buildOptions,
  checkState,
  forceHint,
  heldBack,
  promotable,
  type ReleaseKind,
  releaseOptions,
  rollbackTargets,
} from './release-model.ts';

export interface ReleaseDialogProps {
  readonly repositoryId: string;
  readonly channel: string;
  readonly kind: ReleaseKind;
  /** What to promote. Left out: the newest build. */
  readonly buildId?: string | undefined;
  readonly onClose: () => void;
}

const hull = 'M0 0H17.6L11.8 6H1.5Z';

/** The hull between two releases: down the slipway for a promote, back up it for a rollback. */
function Way({ kind }: { readonly kind: ReleaseKind }) {
  const back = kind === 'rollback';
  return (
    <svg className={styles.way} viewBox="0 0 384 20" aria-hidden>
      <path d="M0 5.5 320 15.5" />
      <path className={styles.sea} d="M320 15.5H384" />
      <path className={back ? styles.ghost : styles.hull} d={hull} transform="translate(344 9)" />
      <path
        className={styles.arrow}
        d={back ? 'M336 12.2 264 10M270 7l-6.2 3 6 3.4' : 'M264 10 334 12.2M328 9l6 3.2-6.2 2.8'}
      />
      <path className={back ? styles.hull : styles.ghost} d={hull} transform="translate(232 6.6) rotate(1.8)" />
    </svg>
  );
}

function Swap({ kind, preflight }: { readonly kind: ReleaseKind; readonly preflight: Preflight }) {
  const { from, to, nextSerial } = preflight;
  return (
    <div className={styles.swap}>
      <div className={styles.side}>
        <span className={styles.key}>Now</span>
        {from ? (
          <>
            <span className={styles.serial}>{from.serial}</span>
            <Sha revision={from.revision.revision} />
            <span className={text.one} title={from.revision.subject}>
              {from.revision.subject}
            </span>
          </>
        ) : (
          <>
            <span>–</span>
            <span />
            <span className={text.sub}>nothing released yet</span>
          </>
        )}
      </div>
      <Way kind={kind} />
      <div className={styles.side}>
        <span className={styles.key}>Then</span>
        <span className={styles.serial}>{kind === 'rollback' ? (to.releasedAsSerial ?? nextSerial) : nextSerial}</span>
        <Sha revision={to.revision.revision} />
        <span className={text.one} title={to.revision.subject}>
          {to.revision.subject}
        </span>
      </div>
    </div>
  );
}

function Checks({ preflight }: { readonly preflight: Preflight }) {
  return (
    <>
      <h3 className={styles.heading}>Checked just now</h3>
      <ul className={styles.checks}>
        {preflight.checks.map(check => (
          <li key={check.title} className={styles.check}>
            <StateGlyph
              state={checkState(check.state)}
              label={check.state === 'ok' ? 'passed' : check.state === 'warning' ? 'warning' : 'blocked'}
            />
            <div>
              {check.title}
              {check.detail && <span className={styles.detail}>{check.detail}</span>}
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}

/** Shows what a release would do and does it on demand. Closes itself once the release is made. */
export function ReleaseDialog({ repositoryId, channel, kind, buildId, onClose }: ReleaseDialogProps) {
  const [chosenId, setChosenId] = useState(buildId);
  const [reason, setReason] = useState('');
  const [force, setForce] = useState(false);
  const repository = useRepository(repositoryId);
  const releases = useQuery(
    `releases:${repositoryId}:${channel}`,
    () => client.releases.list({ repositoryId, channel }),
    ['release'],
    { repositoryId },
  );
  const environment = useQuery(
    `channel-environment:${repositoryId}:${channel}`,
    () => client.channelEnvironment.get({ repositoryId, channel }),
    ['channel', 'release', 'machine'],
    { repositoryId },
  );
  const builds = promotable(repository.data?.builds ?? [], releases.data ?? [], environment.data?.changed ?? false);
  const earlier = rollbackTargets(releases.data ?? []);
  /** A build's id for a promote, a serial for a rollback. */
  const targetId = chosenId ?? (kind === 'promote' ? builds[0]?.id : earlier[0] && String(earlier[0].serial));
  const target =
    kind === 'promote' ? { buildId: targetId } : { toSerial: targetId === undefined ? undefined : Number(targetId) };
  const preflight = useQuery(
    `preflight:${repositoryId}:${channel}:${targetId}`,
    () => client.releases.preflight({ repositoryId, channel, ...target }),
    ['release', 'replica', 'machine', 'machines', 'channel'],
    { repositoryId, enabled: targetId !== undefined },
  );
  const unverified = preflight.data?.unverifiedRegions ?? 0;
  /** What was ticked counts only where there is something to force. */
  const isForced = force && unverified > 0;
  const act = useAction(async () => {
    const words = reason.trim() || undefined;
    if (kind === 'promote') {
      await client.releases.promote({ repositoryId, channel, ...target, reason: words, force: isForced });
    } else {
      await client.releases.rollback({ repositoryId, channel, ...target, reason: words, force: isForced });
    }
    onClose();
  });

  const name = repository.data?.name ?? 'this repository';
  const options = kind === 'promote' ? buildOptions(builds) : releaseOptions(earlier);
  const nothing = !repository.loading && !releases.loading && targetId === undefined;
  const held = heldBack(preflight.data, isForced && reason.trim() === '');
  const shown = preflight.data?.to;
  const verb =
    kind === 'promote'
      ? `Promote ${shown ? shortSha(shown.revision.revision) : ''}`
      : `Roll back${shown?.releasedAsSerial ? ` to ${shown.releasedAsSerial}` : ''}`;
  const error = act.error ?? preflight.error ?? releases.error ?? repository.error;

  return (
    <ConfirmDialog
      title={kind === 'promote' ? `Promote ${name} on ${channel}` : `Roll back ${name} on ${channel}`}
      onClose={onClose}
      footerNote={held ?? (preflight.data ? `becomes release ${preflight.data.nextSerial}` : null)}
      confirmLabel={verb.trim()}
      confirmIcon={kind === 'rollback' && <Undo2 size={14} strokeWidth={1.5} aria-hidden />}
      disabled={held !== null}
      action={act}
      onConfirm={() => void act.run()}
    >
      {options.length > 1 && targetId !== undefined && (
        <div className={styles.choose}>
          <Select
            label={kind === 'promote' ? 'Build to promote' : 'Release to go back to'}
            value={targetId}
            options={options}
            onChange={setChosenId}
          />
        </div>
      )}
      {nothing && (
        <p className={styles.waiting}>
          {kind === 'promote'
            ? 'There is no other build to promote yet. Each revision that builds appears here.'
            : `There is no earlier release on ${channel} to go back to.`}
        </p>
      )}
      {error && <ErrorNotice error={error} />}
      {preflight.data && (
        <>
          <Swap kind={kind} preflight={preflight.data} />
          <Checks preflight={preflight.data} />
          <div className={styles.reason}>
            {unverified > 0 && (
              <CheckField
                label="Publish to every region at once"
                hint={forceHint(unverified)}
                checked={force}
                onChange={setForce}
              />
            )}
            <TextField
              label="Reason, kept with the release"
              value={reason}
              onChange={setReason}
              maxLength={500}
              hint={kind === 'rollback' ? `If ${channel} releases by itself, it holds until you resume it.` : undefined}
            />
          </div>
        </>
      )}
      {preflight.loading && targetId !== undefined && <p className={styles.waiting}>Checking…</p>}
    </ConfirmDialog>
  );
}
