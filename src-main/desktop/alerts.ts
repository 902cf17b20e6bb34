/** Owns the system's notifications: each leads to its view on a click. Which there are is decided by the engine. */
import { Notification } from 'electron';

/** One that the garbage collector takes hears no click. Source: https://www.electronjs.org/docs/latest/api/notification */
const shown = new Set<Notification>();
const most = 50;

/** Shows one, where the system has notifications. */
export function notify(title: string, body: string, onClick: () => void): void {
  if (!Notification.isSupported()) return;
  const notification = new Notification({ title, body });
  const forget = () => shown.delete(notification);
  notification.on('click', () => {
    forget();
    onClick();
  });
  notification.on('close', forget);
  for (const oldest of [...shown].slice(0, Math.max(0, shown.size - most))) shown.delete(oldest);
  shown.add(notification);
  notification.show();
}
