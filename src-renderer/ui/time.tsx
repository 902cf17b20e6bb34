/** Owns times and revisions in text: short to read, exact on hover. */

import { classes } from './classes.ts';
import { useNow } from './clock.ts';
import { formatAhead, formatClock, formatDateTime, formatDuration, formatRelative, shortSha } from './format.ts';
import text from './text.module.css';

/** `12 min ago`, kept current; the date and time on hover. */
export function RelativeTime({ atMs }: { readonly atMs: number }) {
  return (
    <time dateTime={new Date(atMs).toISOString()} title={formatDateTime(atMs)}>
      {formatRelative(atMs, useNow())}
    </time>
  );
}

/** `in 10 s`, kept current. */
export function AheadTime({ atMs }: { readonly atMs: number }) {
  return (
    <time dateTime={new Date(atMs).toISOString()} title={formatDateTime(atMs)}>
      {formatAhead(atMs, useNow())}
    </time>
  );
}

/** `09:52:10`; the date on hover. */
export function ClockTime({ atMs }: { readonly atMs: number }) {
  return (
    <time dateTime={new Date(atMs).toISOString()} title={formatDateTime(atMs)}>
      {formatClock(atMs)}
    </time>
  );
}

export interface ElapsedProps {
  readonly startedAtMs: number;
  /** Null while it goes on: then it counts. */
  readonly finishedAtMs: number | null;
  readonly tenths?: boolean;
}

/** How long something took, or takes until now. */
export function Elapsed({ startedAtMs, finishedAtMs, tenths = false }: ElapsedProps) {
  const nowMs = useNow();
  const running = finishedAtMs === null;
  return <>{formatDuration((finishedAtMs ?? nowMs) - startedAtMs, { tenths: tenths && !running })}</>;
}

/** A revision in seven digits, the whole of it on hover. */
export function Sha({ revision, className }: { readonly revision: string; readonly className?: string }) {
  return (
    <span className={classes(text.sha, className)} title={revision}>
      {shortSha(revision)}
    </span>
  );
}
