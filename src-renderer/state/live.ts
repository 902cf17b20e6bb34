/** Owns the interface's own feed: made of the real client, connection and queries. */
import { client, connection } from '../client/client.ts';
import { shell } from '../client/shell.ts';
import { startAlerts } from './alerts.ts';
import { Feed } from './feed.ts';
import { queries } from './queries.ts';

export const feed = new Feed(client, connection, queries);

/** Connects, and follows events from then on. A window that is shown again, or a network that is back, does not wait for the next attempt. */
export function startLive(): void {
  connection.start();
  feed.start();
  window.addEventListener('online', () => {
    if (connection.state.getState().kind === 'offline') connection.retryNow();
  });
  // The desktop shows them itself, also while no window is open.
  if (shell === null) startAlerts(listener => feed.listen(listener));
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && connection.state.getState().kind === 'offline') connection.retryNow();
  });
}
