/** Owns the glyph of the main store: a square, since it is where copies come from and not in any of their states. */
import styles from './region-map.module.css';

/** The main store. Its name stands beside it, so it says nothing itself. */
export function MainStoreGlyph({ size = 14 }: { readonly size?: number }) {
  return (
    <svg className={styles.mainStore} width={size} height={size} viewBox="0 0 18 18" aria-hidden>
      <rect x="2" y="2" width="14" height="14" rx="1.5" />
      <rect className={styles.core} x="6" y="6" width="6" height="6" />
    </svg>
  );
}
