/** Owns the notification history: every failure that was, where it leads, and which are new. */
import { Popover } from '@base-ui/react/popover';
import { Bell } from 'lucide-react';
import { useState } from 'react';
import { useStore } from 'zustand';
import { feedStore, markNoticesSeen, unreadNotices } from '../../state/feed.ts';
import { closePanel, openPanel, panelStore } from '../../state/panels.ts';
import { useOverview } from '../../state/shared-queries.ts';
import { classes } from '../../ui/classes.ts';
import { plural } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import { RelativeTime } from '../../ui/time.tsx';
import styles from './notices.module.css';

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
        className={styles.trigger}
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
                  <li key={notice.cursor}>
                    <a className={styles.item} href={notice.href} onClick={() => closePanel('notices')}>
                      <StateGlyph state={notice.state} />
                      <span className={styles.words}>
                        <span className={classes(notice.cursor > seenBefore && styles.new)}>
                          {repositories.find(row => row.id === notice.repositoryId)?.name ?? notice.title}
                        </span>
                        <span className={styles.detail}>
                          {repositories.some(row => row.id === notice.repositoryId) ? `${notice.title}. ` : ''}
                          {notice.detail}
                        </span>
                      </span>
                      <span className={styles.when}>
                        <RelativeTime atMs={notice.atMs} />
                      </span>
                    </a>
                  </li>
                ))}
              </ul>
            )}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
