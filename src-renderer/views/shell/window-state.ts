/** Owns what the window says of the fleet when nobody looks at it: title and favicon, shape first. */
import { useEffect } from 'react';
import { useStore } from 'zustand';
import type { RepositoryRow } from '../../../src-main/contract/views/repository.ts';
import type { VisualState } from '../../../src-main/contract/views/state.ts';
import { connection } from '../../client/client.ts';
import failedIcon from '../../icons/favicon-failed.svg?no-inline';
import pendingIcon from '../../icons/favicon-pending.svg?no-inline';
import plainIcon from '../../icons/favicon-plain.svg?no-inline';
import runningIcon from '../../icons/favicon-running.svg?no-inline';
import staleIcon from '../../icons/favicon-stale.svg?no-inline';
import verifiedIcon from '../../icons/favicon-verified.svg?no-inline';
import { countStates, windowTitle, worstState } from '../../state/fleet.ts';

const icons: Record<VisualState, string> = {
  failed: failedIcon,
  stale: staleIcon,
  running: runningIcon,
  pending: pendingIcon,
  verified: verifiedIcon,
};

function showIcon(href: string): void {
  const known = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  if (known?.getAttribute('href') === href) return;
  const link = known ?? document.head.appendChild(document.createElement('link'));
  link.rel = 'icon';
  link.type = 'image/svg+xml';
  link.setAttribute('href', href);
}

/** Keeps the window's title and favicon at the state of the worst repository, or offline. */
export function useWindowState(rows: readonly Pick<RepositoryRow, 'state'>[]): void {
  const online = useStore(connection.state, state => state.kind !== 'offline');
  const counts = countStates(rows);
  const title = windowTitle(counts, online);
  const worst = online ? worstState(counts) : 'pending';
  useEffect(() => {
    document.title = title;
    showIcon(worst ? icons[worst] : plainIcon);
  }, [title, worst]);
}
