/** Owns the channels of a repository: what each runs, by which policy, and the way to change it. */
import { ArrowUpRight, Plus, Settings2, Undo2 } from 'lucide-react';
import { useState } from 'react';
import type { ChannelSummary, ReleaseView } from '../../../src-main/contract/views/release.ts';
import type { RepositoryDetail } from '../../../src-main/contract/views/repository.ts';
import { client } from '../../client/client.ts';
import type { Command } from '../../commands/command.ts';
import { useCommands } from '../../commands/registry.ts';
import { queries } from '../../state/queries.ts';
import { routeHref } from '../../state/route.ts';
import { useAction } from '../../state/use-action.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { Switch } from '../../ui/field.tsx';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { RelativeTime, Sha } from '../../ui/time.tsx';
import { ReleaseDialog } from '../releases/release-dialog.tsx';
import type { ReleaseKind } from '../releases/release-model.ts';
import { ChannelDialog } from './channel-dialog.tsx';
import { ChannelEnvironment } from './channel-environment.tsx';
import styles from './repository.module.css';

/** Releases of a channel that are listed in place. */
const shownReleases = 5;

interface ChannelProps {
  readonly repository: RepositoryDetail;
  readonly channel: ChannelSummary;
  readonly releases: readonly ReleaseView[];
  /** With a build: that one is chosen. */
  readonly onRelease: (kind: ReleaseKind, buildId?: string) => void;
  readonly onEdit: () => void;
}

function Releases({ releases }: { readonly releases: readonly ReleaseView[] }) {
  if (releases.length === 0) return null;
  return (
    <table className={classes(table.table, table.slim)} aria-label="Releases">
      <tbody>
        {releases.slice(0, shownReleases).map(release => (
          <tr key={release.id}>
            <td className={styles.release}>{release.serial}</td>
            <td className={styles.sha}>
              <Sha revision={release.revision.revision} />
            </td>
            <td title={release.reason ?? release.revision.subject}>
              {release.kind === 'rollback' && <span className={text.sub}>back to </span>}
              {release.revision.subject}
              {release.environmentVersion !== null && (
                <span className={text.sub}> · environment {release.environmentVersion}</span>
              )}
            </td>
            <td className={classes(table.num, styles.released, text.sub)}>
              <RelativeTime atMs={release.createdAtMs} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Channel({ repository, channel, releases, onRelease, onEdit }: ChannelProps) {
  const set = useAction(async (change: { policy?: ChannelSummary['policy']; paused?: boolean }) => {
    await client.channels.set({ repositoryId: repository.id, name: channel.name, ...change });
    queries.refetch(`repository:${repository.id}`);
  });
  const free = useAction(async () => {
    await client.channels.freeze({ repositoryId: repository.id, name: channel.name, reason: null });
    queries.refetch(`repository:${repository.id}`);
  });
  const behind = channel.machinesTotal - channel.machinesOnIt;
  const running = releases.find(release => release.current)?.buildId;
  return (
    <div className={styles.channel}>
      <div className={styles.channelHead}>
        <div className={styles.channelFacts}>
          <h3>{channel.name}</h3>
          {channel.serial === null ? (
            <span className={text.sub}>nothing released yet</span>
          ) : (
            <>
              <span className={text.sub}>release {channel.serial}</span>
              {channel.revision && <Sha revision={channel.revision} />}
              {channel.machinesTotal > 0 && (
                <a className={classes(text.sub, behind > 0 && text.running)} href={routeHref({ view: 'machines' })}>
                  {channel.machinesOnIt} of {channel.machinesTotal} on it
                </a>
              )}
            </>
          )}
        </div>
        <IconButton small label={`Edit ${channel.name}`} onClick={onEdit}>
          <Settings2 size={14} strokeWidth={1.5} aria-hidden />
        </IconButton>
      </div>
      {channel.pausedReason !== null && (
        <div className={styles.held}>
          <StateGlyph state="stale" label={null} />
          <span>
            Held: {channel.pausedReason}
            <span className={text.sub}> New revisions build, but none goes live.</span>
          </span>
          <Button busy={set.busy} onClick={() => void set.run({ paused: false })}>
            Resume
          </Button>
        </div>
      )}
      {channel.frozenReason !== null && (
        <div className={styles.held}>
          <StateGlyph state="stale" label={null} />
          <span>
            Frozen: {channel.frozenReason}
            <span className={text.sub}> Nothing is released on it.</span>
          </span>
          <Button busy={free.busy} onClick={() => void free.run()}>
            Unfreeze
          </Button>
        </div>
      )}
      {set.error && <ErrorNotice error={set.error} />}
      {free.error && <ErrorNotice error={free.error} />}
      <Releases releases={releases} />
      <ChannelEnvironment
        repositoryId={repository.id}
        channel={channel.name}
        onRelease={running === undefined ? undefined : () => onRelease('promote', running)}
      />
      <div className={styles.channelActions}>
        <Button
          icon={<ArrowUpRight size={14} strokeWidth={1.5} aria-hidden />}
          disabled={repository.builds.length === 0}
          onClick={() => onRelease('promote')}
        >
          Promote…
        </Button>
        <Button
          icon={<Undo2 size={14} strokeWidth={1.5} aria-hidden />}
          disabled={releases.length < 2}
          onClick={() => onRelease('rollback')}
        >
          Roll back…
        </Button>
        <span className={text.grow} />
        <Switch
          label="Release by itself"
          checked={channel.policy === 'auto'}
          disabled={set.busy}
          onChange={auto => void set.run({ policy: auto ? 'auto' : 'manual' })}
        />
      </div>
    </div>
  );
}

/** The channels, each with its newest releases. */
export function Channels({ repository }: { readonly repository: RepositoryDetail }) {
  const [asked, setAsked] = useState<{
    readonly channel: string;
    readonly kind: ReleaseKind;
    readonly buildId: string | undefined;
  } | null>(null);
  const [edited, setEdited] = useState<ChannelSummary | 'new' | null>(null);
  const names = repository.channels.map(channel => channel.name);
  useCommands([
    {
      id: 'channel.add',
      title: `Add a channel to ${repository.name}`,
      group: 'Do',
      shortcut: null,
      isEnabled: () => true,
      run: () => setEdited('new'),
    },
    ...repository.channels.flatMap((channel): Command[] => [
      {
        id: `channel.edit.${channel.id}`,
        title: `Edit ${channel.name} of ${repository.name}`,
        group: 'Do',
        shortcut: null,
        isEnabled: () => true,
        run: () => setEdited(channel),
      },
      {
        id: `channel.promote.${channel.id}`,
        title: `Promote ${repository.name} on ${channel.name}…`,
        group: 'Do',
        shortcut: null,
        isEnabled: () => repository.builds.length > 0,
        run: () => setAsked({ channel: channel.name, kind: 'promote', buildId: undefined }),
      },
      {
        id: `channel.rollback.${channel.id}`,
        title: `Roll back ${repository.name} on ${channel.name}…`,
        group: 'Do',
        shortcut: null,
        isEnabled: () => repository.releases.filter(release => release.channel === channel.name).length > 1,
        run: () => setAsked({ channel: channel.name, kind: 'rollback', buildId: undefined }),
      },
    ]),
  ]);
  return (
    <>
      {repository.channels.length === 0 && <p className={styles.none}>No channel yet.</p>}
      {repository.channels.map(channel => (
        <Channel
          key={channel.id}
          repository={repository}
          channel={channel}
          releases={repository.releases.filter(release => release.channel === channel.name)}
          onRelease={(kind, buildId) => setAsked({ channel: channel.name, kind, buildId })}
          onEdit={() => setEdited(channel)}
        />
      ))}
      <div className={styles.addChannel}>
        <Button icon={<Plus size={14} strokeWidth={1.5} aria-hidden />} onClick={() => setEdited('new')}>
          Add channel…
        </Button>
      </div>
      {edited !== null && (
        <ChannelDialog
          key={edited === 'new' ? 'new' : edited.id}
          repositoryId={repository.id}
          channel={edited === 'new' ? null : edited}
          taken={edited === 'new' ? names : []}
          onClose={() => setEdited(null)}
        />
      )}
      {asked && (
        <ReleaseDialog
          repositoryId={repository.id}
          channel={asked.channel}
          kind={asked.kind}
          buildId={asked.buildId}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}
