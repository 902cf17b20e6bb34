/** Owns the swarm view: what is seeded, to whom, how fast, and where machines got their bytes from. */
import { ArrowDown, ArrowUp, Pause, Play } from 'lucide-react';
import type { SwarmView as Swarm } from '../../../src-main/contract/views/swarm.ts';
import { client } from '../../client/client.ts';
import { useCommands } from '../../commands/registry.ts';
import { useAction } from '../../state/use-action.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatBytes, formatPercent, formatRate, shortDigest } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { Sha } from '../../ui/time.tsx';
import view from '../../ui/view.module.css';
import { SourceBar, SourceKey } from '../machines/source-bar.tsx';
import { sources } from '../machines/source-shares.ts';
import { ratioOf, reachOf, spared, swarmSituation, torrentsInOrder } from './swarm-model.ts';
import styles from './swarm-view.module.css';

const icon = { size: 14, strokeWidth: 1.5, 'aria-hidden': true } as const;

/** The swarm. */
export function SwarmView() {
  const query = useQuery('swarm', () => client.swarm.get(), ['swarm', 'machine', 'machines', 'build']);
  const swarm = query.data;
  const pause = useAction(async () => {
    await client.swarm.setPaused({ paused: !swarm?.paused });
    query.refetch();
  });
  useCommands([
    {
      id: 'swarm.pause',
      title: swarm?.paused ? 'Resume seeding' : 'Pause seeding',
      group: 'Do',
      shortcut: null,
      isEnabled: () => swarm !== undefined,
      run: () => void pause.run(),
    },
  ]);
  if (!swarm) {
    return query.error ? (
      <ErrorNotice error={query.error} onRetry={query.refetch} />
    ) : (
      <EmptyState title="Loading the swarm" />
    );
  }
  const situation = swarmSituation(swarm);
  const error = swarm.error ?? pause.error ?? query.error;
  return (
    <section className={view.view} aria-label="Swarm">
      <div className={view.toolbar}>
        <span className={styles.situation}>
          <StateGlyph state={situation.look} label={null} />
          {situation.words}
        </span>
        <span className={text.grow} />
        <Button
          icon={swarm.paused ? <Play {...icon} /> : <Pause {...icon} />}
          busy={pause.busy}
          onClick={() => void pause.run()}
        >
          {swarm.paused ? 'Resume seeding' : 'Pause seeding'}
        </Button>
      </div>
      {error && <ErrorNotice error={error} />}
      <p className={text.sub}>{reachOf(swarm)}</p>
      <Totals swarm={swarm} />
      <Sources bytes={swarm.bytes} />
      <Torrents swarm={swarm} />
    </section>
  );
}

function Totals({ swarm }: { readonly swarm: Swarm }) {
  const peers = swarm.torrents.reduce((sum, torrent) => sum + torrent.peers, 0);
  const facts = [
    ['Up', formatRate(swarm.uploadBytesPerSecond), <ArrowUp key="up" {...icon} />],
    ['Down', formatRate(swarm.downloadBytesPerSecond), <ArrowDown key="down" {...icon} />],
    ['Given in all', formatBytes(swarm.uploadedBytes), null],
    ['Packs', String(swarm.torrents.length), null],
    ['Peers', String(peers), null],
  ] as const;
  return (
    <dl className={styles.totals}>
      {facts.map(([name, value, mark]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {mark}
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Sources({ bytes }: { readonly bytes: Swarm['bytes'] }) {
  const sum = bytes.peers + bytes.region + bytes.reuse;
  const words = {
    peers: 'from other machines and this one',
    region: 'from the nearest store',
    reuse: 'already there, not fetched',
  };
  return (
    <section className={styles.sources} aria-label="Where machines got their bytes">
      <h2>Where machines got their bytes</h2>
      {sum === 0 ? (
        <p className={text.sub}>No machine has reported a download yet.</p>
      ) : (
        <>
          <SourceBar bytes={bytes} tall />
          <ul className={styles.keys}>
            {sources.map(source => (
              <li key={source}>
                <SourceKey source={source} />
                <b>{formatBytes(bytes[source])}</b> {formatPercent(bytes[source] / sum)}
                <span className={text.sub}> {words[source]}</span>
              </li>
            ))}
          </ul>
          <p className={text.sub}>{spared(bytes)}</p>
        </>
      )}
    </section>
  );
}

function Torrents({ swarm }: { readonly swarm: Swarm }) {
  if (swarm.torrents.length === 0) {
    return (
      <EmptyState title="Nothing is seeded yet">
        Every pack that a channel runs is seeded from here, and machines pass it on among themselves.
      </EmptyState>
    );
  }
  return (
    <table className={classes(table.table, styles.torrents)}>
      <thead>
        <tr>
          <th className={table.state}>
            <span className={text.hidden}>State</span>
          </th>
          <th>Pack</th>
          <th className={styles.hash}>Info hash</th>
          <th className={classes(table.num, styles.number)}>Size</th>
          <th className={classes(table.num, styles.narrow)}>Peers</th>
          <th className={classes(table.num, styles.number)}>Up</th>
          <th className={classes(table.num, styles.number)}>Down</th>
          <th className={classes(table.num, styles.number)}>Given</th>
          <th className={classes(table.num, styles.ratio)}>Ratio</th>
        </tr>
      </thead>
      <tbody>
        {torrentsInOrder(swarm.torrents).map(torrent => {
          const moving = torrent.uploadBytesPerSecond + torrent.downloadBytesPerSecond > 0;
          const seeding = swarm.running && !swarm.paused;
          return (
            <tr key={torrent.infoHash}>
              <td className={table.state}>
                <StateGlyph
                  state={!seeding ? 'pending' : moving ? 'running' : 'verified'}
                  label={!seeding ? 'paused' : moving ? 'moving' : 'seeded'}
                />
              </td>
              <td title={`${torrent.repositoryName} ${torrent.revision}`}>
                <span className={text.name}>{torrent.repositoryName}</span> <Sha revision={torrent.revision} />
              </td>
              <td className={text.sha} title={torrent.infoHash}>
                {shortDigest(torrent.infoHash)}
              </td>
              <td className={table.num}>{formatBytes(torrent.sizeBytes)}</td>
              <td className={table.num}>{torrent.peers}</td>
              <td className={table.num}>
                {torrent.uploadBytesPerSecond > 0 ? formatRate(torrent.uploadBytesPerSecond) : '–'}
              </td>
              <td className={table.num}>
                {torrent.downloadBytesPerSecond > 0 ? formatRate(torrent.downloadBytesPerSecond) : '–'}
              </td>
              <td className={table.num}>{formatBytes(torrent.uploadedBytes)}</td>
              <td className={classes(table.num, table.last)}>{ratioOf(torrent)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
