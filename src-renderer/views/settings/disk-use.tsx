/** Owns disk use among the settings: by kind, by repository and by store, and the way to reclaim. */
import { useState } from 'react';
import type { DiskUse, ReclaimResult } from '../../../src-main/contract/disk.ts';
import { client } from '../../client/client.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatBytes, plural } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import { RelativeTime } from '../../ui/time.tsx';
import styles from './disk.module.css';
import { kindNames, kindsBySize, resultWords, roomOf, shareCells } from './disk-model.ts';
import { ReclaimDialog } from './reclaim-dialog.tsx';
import { SettingList } from './setting-list.tsx';
import settings from './settings.module.css';

function Kinds({ use }: { readonly use: DiskUse }) {
  return (
    <table className={classes(table.table, table.slim, styles.table)}>
      <thead>
        <tr>
          <th scope="col">Kind</th>
          <th className={classes(table.num, styles.size)} scope="col">
            Size
          </th>
        </tr>
      </thead>
      <tbody>
        {kindsBySize(use).map(({ kind, sizeBytes }) => (
          <tr key={kind}>
            <td>{kindNames[kind]}</td>
            <td className={classes(table.num, styles.size)}>{formatBytes(sizeBytes)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Repositories({ use }: { readonly use: DiskUse }) {
  return (
    <table className={classes(table.table, table.slim, styles.table)}>
      <thead>
        <tr>
          <th scope="col">Packs of</th>
          {['Pinned', 'Kept', 'Reclaimable', 'Deltas'].map(name => (
            <th key={name} className={classes(table.num, styles.size)} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {use.repositories.map(row => (
          <tr key={row.repositoryId}>
            <td>
              {row.name}
              {row.keptBuilds !== null && ` · keeps ${plural(row.keptBuilds, 'build')}`}
            </td>
            {shareCells(row).map((cell, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: the columns are fixed
              <td key={index} className={classes(table.num, styles.size)}>
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Waiting({ use }: { readonly use: DiskUse }) {
  return use.stores
    .filter(store => store.waiting.packs > 0)
    .map(store => (
      <p key={store.regionId} className={settings.hint}>
        {store.name}: {plural(store.waiting.packs, 'reclaimed pack')}, {formatBytes(store.waiting.sizeBytes)}, still to
        be deleted there.
      </p>
    ));
}

/** The section of the disk. */
export function DiskSection() {
  const query = useQuery('disk', () => client.disk.use(), ['build', 'region', 'repository', 'release']);
  const [isOpen, setOpen] = useState(false);
  const [result, setResult] = useState<ReclaimResult | null>(null);
  const use = query.data;
  const room = use ? roomOf(use) : null;
  return (
    <section className={settings.section}>
      <h2>Disk</h2>
      {query.error && !use && <ErrorNotice error={query.error} onRetry={query.refetch} />}
      <dl className={settings.facts}>
        {room && (
          <>
            <dt>
              <StateGlyph state={room.state} label={null} /> Room
            </dt>
            <dd>{room.text}</dd>
          </>
        )}
        <dt>Reclaim</dt>
        <dd>
          <Button onClick={() => setOpen(true)}>Reclaim space…</Button>
          <p className={settings.hint} aria-live="polite">
            {result === null
              ? 'Shows first what would be deleted. It is done by itself every hour, and when the disk runs low.'
              : resultWords(result).join(' ')}
          </p>
          {use && <Waiting use={use} />}
        </dd>
      </dl>
      {use ? (
        <>
          <Kinds use={use} />
          {use.repositories.length > 0 && <Repositories use={use} />}
          <p className={settings.hint}>
            Measured <RelativeTime atMs={use.measuredAtMs} />. Pinned is what a channel or a machine runs, what a
            channel can go back to, and what a person pinned.
          </p>
        </>
      ) : (
        !query.error && <p className={settings.hint}>Measuring…</p>
      )}
      <SettingList title="How much is kept" prefix="retention." />
      <SettingList title="How much mirrors may take" prefix="sources.mirror" />
      {isOpen && (
        <ReclaimDialog
          onClose={() => setOpen(false)}
          onDone={done => {
            setResult(done);
            setOpen(false);
          }}
        />
      )}
    </section>
  );
}
