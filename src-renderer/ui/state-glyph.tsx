/** Owns the five state glyphs: one shape and one colour each, so that a state is never colour alone. */
import type { VisualState } from '../../src-main/contract/views/state.ts';
import { classes } from './classes.ts';
import styles from './state-glyph.module.css';

/** Circumference of the running ring, radius 6.1. */
const ringLength = 38.3;
/** Share drawn while the real one is unknown: reads as a ring in motion, not as a percentage. */
const unknownShare = 0.66;

export const stateWords: Record<VisualState, string> = {
  failed: 'failed',
  stale: 'needs attention',
  running: 'running',
  verified: 'verified',
  pending: 'waiting',
};

export interface StateGlyphProps {
  readonly state: VisualState;
  /** Pixels; 14 in rows, 12 beside small text, 20 in headings. */
  readonly size?: number;
  /** 0 to 1, for the running ring. */
  readonly progress?: number | null;
  /** What a screen reader says; null where the words stand beside it. Left out: the state's own word. */
  readonly label?: string | null;
  readonly className?: string;
}

function shape(state: VisualState, progress: number | null | undefined) {
  switch (state) {
    case 'failed':
      return (
        <>
          <path className={styles.failed} d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z" />
          <path className={styles.mark} d="m5.5 5.5 5 5m0-5-5 5" />
        </>
      );
    case 'stale':
      return (
        <>
          <path className={styles.stale} d="M8 1.2 15.3 14.4H.7z" />
          <path className={styles.mark} d="M8 6v3.6M8 11.6v.9" />
        </>
      );
    case 'running':
      return (
        <>
          <circle className={styles.ring} cx="8" cy="8" r="6.1" />
          <circle
            className={styles.share}
            cx="8"
            cy="8"
            r="6.1"
            strokeDasharray={`${((progress ?? unknownShare) * ringLength).toFixed(1)} ${ringLength}`}
            transform="rotate(-90 8 8)"
          />
        </>
      );
    case 'verified':
      return (
        <>
          <circle className={styles.verified} cx="8" cy="8" r="7" />
          <path className={styles.mark} d="m4.9 8.3 2.2 2.2 4.1-4.7" />
        </>
      );
    case 'pending':
      return <circle className={styles.dashes} cx="8" cy="8" r="6.1" />;
  }
}

/** The glyph of a state. */
export function StateGlyph({ state, size = 14, progress, label, className }: StateGlyphProps) {
  const name = label === null ? undefined : (label ?? stateWords[state]);
  return (
    <svg
      className={classes(styles.glyph, className)}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      data-state={state}
      role={name === undefined ? undefined : 'img'}
      aria-label={name}
      aria-hidden={name === undefined ? true : undefined}
    >
      {shape(state, progress)}
    </svg>
  );
}
