/** Owns the notification history: every failure that was, where it leads, and which are new. */
import { Popover } from '@base-ui/react/popover';
import { Bell } from 'lucide-react';
import { useState } from 'react';
import { useStore } from 'zustand';
import type { RepositoryRow } from '../../../src-main/contract/views/repository.ts';
import { feedStore, markNoticesSeen, unreadNotices } from '../../state/feed.ts';
import type { Notice } from '../../state/notices.ts';
import { closePanel, openPanel, panelStore } from '../../state/panels.ts';
import { useOverview } from '../../state/shared-queries.ts';
import button from '../../ui/button.module.css';
import { classes } from '../../ui/classes.ts';
import { plural } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import styles from './notices.module.css';

interface NoticeItemProps {
  readonly notice: Notice;
  readonly isNew: boolean;
  /** The repository that it is about, while it is still watched. */
  readonly repository: RepositoryRow | undefined;
}

function NoticeItem({ notice, isNew, repository }: NoticeItemProps) {
  const job = repository?.latestJob;
  // An event names a job's error by its code; the job itself has the words.
  const detail = (job && job.id === notice.jobId ? job.error?.message : null) ?? notice.detail;
  return (
    <li>
      <a className={styles.item} href={notice.href} onClick={() => closePanel('notices')}>
        <StateGlyph state={notice.state} />
        <span className={styles.words}>
          <span className={classes(isNew && styles.new)}>{repository?.name ?? notice.title}</span>
          <span className={styles.detail} title={detail ?? undefined}>
            {repository && `${notice.title}. `}
            {detail}
          </span>
        </span>
        <span className={styles.when}>
          <RelativeTime atMs={notice.atMs} />
        </span>
      </a>
    </li>
  );
}

/** The bell with the number of unread failures, and their history. */
export function Notices() {
  const feed = useStore(feedStore);
  const open = useStore(panelStore, state => state.open === 'notices');
  const repositories = useOverview().data?.repositories ?? [];
  // Opening marks all as seen; what was new then stays marked while the list is open.
  const [seenBefore, setSeenBefore] = useState(feed.seenCursor);
  const unread = unreadNotices(feed);
  return (
    <Popover.Root
      open={open}
      onOpenChange={next => {
        if (!next) return closePanel('notices');
        setSeenBefore(feed.seenCursor);
        openPanel('notices');
        markNoticesSeen();
      }}
    >
      <Popover.Trigger
        className={classes(button.iconButton, styles.trigger)}
        aria-label={unread > 0 ? `Notifications: ${unread} unread` : 'Notifications'}
        title={unread > 0 ? `Notifications: ${unread} unread` : 'Notifications'}
      >
        <Bell size={16} strokeWidth={1.5} aria-hidden />
        {unread > 0 && <span className={styles.unread}>{unread}</span>}
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Positioner className={styles.positioner} sideOffset={6} align="end">
          <Popover.Popup className={styles.popup}>
            <Popover.Title className={styles.title}>
              {feed.notices.length === 0 ? 'Notifications' : plural(feed.notices.length, 'notification')}
            </Popover.Title>
            {feed.notices.length === 0 ? (
              <p className={styles.none}>Nothing has failed. Failures stay listed here after they are gone.</p>
            ) : (
              <ul className={styles.list}>
                {feed.notices.map(notice => (
                  <NoticeItem
                    key={notice.cursor}
                    notice={notice}
                    isNew={notice.cursor > seenBefore}
                    repository={repositories.find(row => row.id === notice.repositoryId)}
                  />
                ))}
              </ul>
            )}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
