/** Owns what is shown of the selected region: what is wrong there and what to do, what it holds, its newest copies. */
import type { ErrorView } from '../../../src-main/contract/errors.ts';
import type { RegionView } from '../../../src-main/contract/views/region.ts';
import { classes } from '../../ui/classes.ts';
import { formatBytes, formatDuration, plural } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { ClockTime, RelativeTime, Sha } from '../../ui/time.tsx';
import { MainStoreGlyph } from './main-store-glyph.tsx';
import { RegionActions } from './region-actions.tsx';
import { behindWords, limitWords, trafficWords } from './region-facts.ts';
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
              <dd>{behindWords(region)}</dd>
            </>
          )}
          <dt>Kept</dt>
          <dd>
            {plural(region.packCount, 'artifact')}, {formatBytes(region.bytesStored)}
          </dd>
          <dt>Moved</dt>
          <dd>{trafficWords(region)}</dd>
          {!region.isMain && (
            <>
              <dt>Limits</dt>
              <dd>{limitWords(region.limits)}</dd>
            </>
          )}
          <dt>Audit</dt>
          <dd>
            {region.audit.lookedAtMs === null ? (
              'not looked at yet'
            ) : (
              <>
                looked at <RelativeTime atMs={region.audit.lookedAtMs} />
              </>
            )}
            {region.audit.oldestProofAtMs !== null && (
              <>
                , all of it proven since <RelativeTime atMs={region.audit.oldestProofAtMs} />
              </>
            )}
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
    return <p>The copy is proven by its digest, or by the checksums of the store: it is what the main store holds.</p>;
  if (row.look === 'running') return <p>{[row.word, row.rate, row.detail].filter(Boolean).join(', ')}.</p>;
  return (
    <p>
      This copy is {row.word}
      {row.detail && `; it ${row.detail}`}.
    </p>
  );
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
