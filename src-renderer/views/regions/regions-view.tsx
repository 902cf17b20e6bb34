/** Owns the regions view: one artifact on the map and in rows, the newest artifacts, and the selected region. */
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { ReplicationView } from '../../../src-main/contract/views/region.ts';
import { client } from '../../client/client.ts';
import { useCommands } from '../../commands/registry.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { useNow } from '../../ui/clock.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatBytes, shortDigest } from '../../ui/format.ts';
import { Select } from '../../ui/select.tsx';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import text from '../../ui/text.module.css';
import { ClockTime, RelativeTime } from '../../ui/time.tsx';
import view from '../../ui/view.module.css';
import { AddRegionDialog } from './add-region-dialog.tsx';
import { ArtifactMatrix } from './artifact-matrix.tsx';
import { PolicyDialog } from './policy-dialog.tsx';
import { policyWords } from './policy-model.ts';
import { RegionDetail } from './region-detail.tsx';
import { RegionMap } from './region-map.tsx';
import { RegionTable } from './region-table.tsx';
import {
  type ArtifactView,
  artifactOption,
  firstChoice,
  flightWords,
  legend,
  type RegionRow,
  regionRows,
} from './regions-model.ts';
import styles from './regions-view.module.css';

/** The replication map. */
export function RegionsView() {
  const query = useQuery('replication', () => client.regions.replication({ limit: 20 }), [
    'region',
    'replica',
    'replicas',
    'build',
  ]);
  const [buildId, setBuildId] = useState<string | null>(null);
  const [regionId, setRegionId] = useState<string | null>(null);
  const [adding, setAdding] = useState(false);
  const nowMs = useNow();
  useCommands([
    {
      id: 'regions.add',
      title: 'Add a region',
      group: 'Do',
      shortcut: null,
      isEnabled: () => true,
      run: () => setAdding(true),
    },
  ]);
  const data = query.data;
  const artifact = data?.artifacts.find(one => one.id === buildId) ?? data?.artifacts[0] ?? null;
  const rows = data ? regionRows(data.regions, artifact, nowMs) : [];
  const selectedId = rows.some(row => row.id === regionId) ? regionId : firstChoice(rows);
  const region = data?.regions.find(one => one.id === selectedId);
  const row = rows.find(one => one.id === selectedId);

  return (
    <section className={view.view} aria-label="Regions">
      <div className={view.toolbar}>
        {artifact && data && (
          <>
            <Select
              label="Artifact"
              value={artifact.id}
              options={data.artifacts.map(artifactOption)}
              onChange={setBuildId}
              className={styles.picker}
            />
            <ArtifactFacts artifact={artifact} />
            <RepositoryPolicy key={artifact.repositoryId} artifact={artifact} regions={data.regions} />
          </>
        )}
        <span className={text.grow} />
        <Button icon={<Plus size={14} strokeWidth={1.5} aria-hidden />} onClick={() => setAdding(true)}>
          Add region
        </Button>
      </div>
      {query.error && <ErrorNotice error={query.error} onRetry={query.refetch} />}
      {!data && !query.error && <EmptyState title="Loading the regions" />}
      {data && (
        <div className={styles.grid}>
          <figure className={styles.mapBox}>
            <RegionMap rows={rows} selectedId={selectedId} onSelect={setRegionId} />
            <Caption rows={rows} artifacts={data.artifacts} hasArtifact={artifact !== null} onSelect={setRegionId} />
          </figure>
          <div className={styles.side}>
            <RegionTable rows={rows} selectedId={selectedId} onSelect={setRegionId} />
            <ArtifactMatrix
              regions={rows.filter(one => !one.isMain)}
              artifacts={data.artifacts}
              chosenId={artifact?.id ?? null}
              onChoose={setBuildId}
            />
          </div>
        </div>
      )}
      {data && region && row && (
        <RegionDetail
          key={region.id}
          region={region}
          row={row}
          artifact={artifact}
          artifacts={data.artifacts}
          onChanged={query.refetch}
        />
      )}
      {adding && (
        <AddRegionDialog
          onClose={() => setAdding(false)}
          onAdded={id => {
            setRegionId(id);
            query.refetch();
          }}
        />
      )}
    </section>
  );
}

/** Which regions hold which versions of the chosen artifact's repository, and the button that changes it. */
function RepositoryPolicy({
  artifact,
  regions,
}: { readonly artifact: ArtifactView } & Pick<ReplicationView, 'regions'>) {
  const { repositoryId: id, repositoryName: name } = artifact;
  const [changing, setChanging] = useState(false);
  const query = useQuery(`replication-policy ${id}`, () => client.replicationPolicy.get({ repositoryId: id }), [
    'repository',
    'region',
  ]);
  useCommands([
    {
      id: 'regions.policy',
      title: `Change which regions hold ${name}`,
      group: 'Do',
      shortcut: null,
      isEnabled: () => query.data !== undefined,
      run: () => setChanging(true),
    },
  ]);
  if (!query.data) return null;
  return (
    <>
      <Button title={policyWords(query.data)} onClick={() => setChanging(true)}>
        Copies of {name}
      </Button>
      {changing && (
        <PolicyDialog
          repository={{ id, name }}
          policy={query.data}
          regions={regions}
          onClose={() => setChanging(false)}
          onChanged={query.refetch}
        />
      )}
    </>
  );
}

function ArtifactFacts({ artifact }: { readonly artifact: ArtifactView }) {
  return (
    <span
      className={classes(text.sub, text.one)}
      title={`artifact ${artifact.artifactId}\npack ${artifact.packDigest}`}
    >
      {formatBytes(artifact.sizeBytes)} · in the main store since <ClockTime atMs={artifact.createdAtMs} />,{' '}
      <RelativeTime atMs={artifact.createdAtMs} /> · sha256 {shortDigest(artifact.packDigest)}
    </span>
  );
}

interface CaptionProps {
  readonly rows: readonly RegionRow[];
  readonly artifacts: readonly ArtifactView[];
  readonly hasArtifact: boolean;
  readonly onSelect: (id: string) => void;
}

function Caption({ rows, artifacts, hasArtifact, onSelect }: CaptionProps) {
  const entries = legend(rows);
  return (
    <figcaption className={styles.caption}>
      {entries.map(entry => (
        <button
          key={entry.look}
          type="button"
          className={styles.count}
          onClick={() => {
            const first = rows.find(row => !row.isMain && row.look === entry.look);
            if (first) onSelect(first.id);
          }}
        >
          <StateGlyph state={entry.look} label={null} />
          <span>
            <b>{entry.count}</b> {entry.word}
          </span>
        </button>
      ))}
      {entries.length === 0 && <span className={text.sub}>No region yet: copies stay in the main store.</span>}
      <span className={text.grow} />
      <span className={text.sub}>
        {flightWords(artifacts) ?? (hasArtifact ? 'No copy in flight.' : 'The first build is copied to every region.')}
      </span>
    </figcaption>
  );
}
