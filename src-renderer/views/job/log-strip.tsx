/** Owns the strip beside a log: the whole of it, with the part that is loaded, the matches and the first error. */
import type { MouseEvent } from 'react';
import styles from './log-strip.module.css';

export interface LogStripProps {
  /** Shares of the log, from 0 to 1. */
  readonly from: number;
  readonly to: number;
  readonly matches: readonly number[];
  readonly error: number | null;
  readonly onGo: (share: number) => void;
}

const percent = (share: number) => `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;

/** For the pointer alone: the keyboard has Home, End, the steps and the search. */
export function LogStrip({ from, to, matches, error, onGo }: LogStripProps) {
  const go = (event: MouseEvent<HTMLDivElement>) => {
    const { top, height } = event.currentTarget.getBoundingClientRect();
    onGo((event.clientY - top) / Math.max(1, height));
  };
  return (
    <div className={styles.strip} aria-hidden onClick={go} title="The whole log: click to go there">
      <span className={styles.loaded} style={{ top: percent(from), height: percent(to - from) }} />
      {matches.map(share => (
        <span key={share} className={styles.match} style={{ top: percent(share) }} />
      ))}
      {error !== null && <span className={styles.error} style={{ top: percent(error) }} />}
    </div>
  );
}
