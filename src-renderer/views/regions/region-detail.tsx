/** Owns what is shown of the selected region: what is wrong there and what to do, what it holds, its newest copies. */
import { RotateCw } from 'lucide-react';
import { useState } from 'react';
import type { ErrorView } from '../../../src-main/contract/errors.ts';
import type { RegionView } from '../../../src-main/contract/views.ts';
import { client } from '../../client/client.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatBytes, formatDuration, plural } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { ClockTime, RelativeTime, Sha } from '../../ui/time.tsx';
import { MainStoreGlyph } from './main-store-glyph.tsx';
import { type ArtifactView, type RegionRow, regionWord, remedyFor, replicaLook } from './regions-model.ts';
import styles from './regions-view.module.css';

export interface RegionDetailProps {
  readonly region: RegionView;
  readonly row: RegionRow;
  readonly artifact: ArtifactView | null;
  readonly artifacts: readonly ArtifactView[];
  readonly onChanged: () => void;
}

/** The selected region. Key it by the region, so that one region's answers do not stand under another. */
export function RegionDetail({ region, row, artifact, artifacts, onChanged }: RegionDetailProps) {
  const replica = artifact?.replicas.find(one => one.regionId === region.id) ?? null;
  const error = replica?.error ?? region.error;
  return (
    <div className={styles.detail}>
      <section aria-label={region.name}>
        <h2 className={styles.heading}>
          {region.isMain ? (
            <MainStoreGlyph size={16} />
          ) : (
            <StateGlyph state={row.look} size={16} progress={row.progress} label={null} />
          )}
          {region.name} <span className={text.sub}>{row.place}</span>
        </h2>
        <Situation region={region} row={row} error={error} />
        <RegionActions region={region} failed={error !== null || row.look === 'failed'} onChanged={onChanged} />
      </section>
      <section aria-label="Here now">
        <h3>Here now</h3>
        <dl className={styles.facts}>
          {!region.isMain && (
            <>
              <dt>Behind</dt>
              <dd>{region.behind === 0 ? 'nothing' : plural(region.behind, 'artifact')}</dd>
            </>
          )}
          <dt>Kept</dt>
          <dd>
            {plural(region.packCount, 'artifact')}, {formatBytes(region.bytesStored)}
          </dd>
          <dt>Place</dt>
          <dd>
            {region.latitude.toFixed(1)}°, {region.longitude.toFixed(1)}°
          </dd>
          <dt>Store</dt>
          <dd className={styles.url}>{region.storeUrl}</dd>
        </dl>
      </section>
      <section aria-label="Newest copies">
        <h3>Newest copies</h3>
        <Copies region={region} artifacts={artifacts} />
      </section>
    </div>
  );
}

function Situation({
  region,
  row,
  error,
}: {
  readonly region: RegionView;
  readonly row: RegionRow;
  readonly error: ErrorView | null;
}) {
  if (error) {
    const remedy = remedyFor(error);
    return (
      <>
        <p className={styles.message}>{error.message}</p>
        <p className={text.sub}>
          {remedy && `${remedy} `}
          {row.detail.startsWith('tries') && `It ${row.detail}. `}
          <code className={text.mono}>{error.code}</code>
        </p>
      </>
    );
  }
  if (region.isMain) return <p>Every artifact is stored here first, and copied to the regions from here.</p>;
  if (region.paused) return <p>Copying to this region is paused. What it holds can still be fetched by machines.</p>;
  if (row.look === 'verified')
    return <p>The copy was read back and its digest compared: it is what the main store holds.</p>;
  if (row.look === 'running') return <p>{[row.word, row.rate, row.detail].filter(Boolean).join(', ')}.</p>;
  return (
    <p>
      This copy is {row.word}
      {row.detail && `; it ${row.detail}`}.
    </p>
  );
}

function RegionActions({
  region,
  failed,
  onChanged,
}: {
  readonly region: RegionView;
  readonly failed: boolean;
  readonly onChanged: () => void;
}) {
  const [said, setSaid] = useState('');
  const retry = useAction(() => client.regions.retry({ id: region.id }));
  const verify = useAction(() => client.regions.verify({ id: region.id }));
  const pause = useAction(() => client.regions.setPaused({ id: region.id, paused: !region.paused }));
  const error = retry.error ?? verify.error ?? pause.error;
  return (
    <>
      <div className={styles.actions}>
        {!region.isMain && (
          <Button
            variant={failed ? 'primary' : 'plain'}
            icon={<RotateCw size={14} strokeWidth={1.5} aria-hidden />}
            busy={retry.busy}
            disabled={!failed && region.behind === 0}
            onClick={async () => {
              if (await retry.run()) setSaid('The copies start again now.');
              onChanged();
            }}
          >
            Retry copies
          </Button>
        )}
        <Button
          busy={verify.busy}
          onClick={async () => {
            setSaid('Reading every copy back…');
            const result = await verify.run();
            setSaid(result ? verifyWords(result) : '');
            onChanged();
          }}
        >
          Verify now
        </Button>
        {!region.isMain && (
          <Button
            busy={pause.busy}
            onClick={async () => {
              await pause.run();
              onChanged();
            }}
          >
            {region.paused ? 'Resume region' : 'Pause region'}
          </Button>
        )}
      </div>
      <p className={text.sub} aria-live="polite">
        {said}
      </p>
      {error && <ErrorNotice error={error} />}
    </>
  );
}

function verifyWords({ checked, damaged }: { checked: number; damaged: number }): string {
  if (checked === 0) return 'There was nothing to check.';
  const all = checked === 1 ? 'The one copy is' : `All ${checked} copies are`;
  if (damaged === 0) return `${all} what the main store holds.`;
  return `${damaged} of ${checked} copies were damaged and are made again.`;
}

function Copies({ region, artifacts }: { readonly region: RegionView; readonly artifacts: readonly ArtifactView[] }) {
  const rows = artifacts.slice(0, 5);
  if (rows.length === 0) return <p className={text.sub}>No artifact yet.</p>;
  return (
    <table className={classes(table.table, table.slim, styles.copies)}>
      <tbody>
        {rows.map(artifact => {
          const replica = artifact.replicas.find(one => one.regionId === region.id);
          const look = region.isMain ? 'verified' : replica ? replicaLook(replica) : 'pending';
          const atMs = region.isMain ? artifact.createdAtMs : (replica?.verifiedAtMs ?? null);
          return (
            <tr key={artifact.id}>
              <td className={styles.copyGlyph}>
                <StateGlyph
                  state={look}
                  size={12}
                  label={region.isMain ? 'stored' : (replica?.status ?? regionWord(region))}
                />
              </td>
              <td>
                {artifact.repositoryName} <Sha revision={artifact.revision.revision} />
              </td>
              <td className={classes(table.num, text.sub)}>
                {atMs === null ? (replica?.status ?? '') : <RelativeTime atMs={atMs} />}
              </td>
              <td className={classes(table.num, text.sub, styles.took)}>
                {replica?.status === 'verified' ? (
                  formatDuration(replica.lagMs)
                ) : atMs !== null && region.isMain ? (
                  <ClockTime atMs={atMs} />
                ) : (
                  ''
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
