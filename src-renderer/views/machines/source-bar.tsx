/** Owns the bar of where bytes came from: three greys told apart by order, pattern and number. */
import type { BytesBySource } from '../../../src-main/contract/documents.ts';
import { classes } from '../../ui/classes.ts';
import { formatBytes } from '../../ui/format.ts';
import styles from './source-bar.module.css';
import { sourceShares } from './source-shares.ts';

export interface SourceBarProps {
  readonly bytes: BytesBySource;
  /** The whole bar's bytes; left out, the sum of the sources fills it. */
  readonly ofBytes?: number;
  readonly tall?: boolean;
}

/** The bar; its numbers are its name. */
export function SourceBar({ bytes, ofBytes, tall = false }: SourceBarProps) {
  const words = `from peers ${formatBytes(bytes.peers)}, from the region ${formatBytes(bytes.region)}, reused ${formatBytes(bytes.reuse)}`;
  return (
    <span className={classes(styles.bar, tall && styles.tall)} role="img" aria-label={words} title={words}>
      {sourceShares(bytes, ofBytes).map(part => (
        <span
          key={part.source}
          className={styles[part.source]}
          style={{ width: `${(part.share * 100).toFixed(2)}%` }}
        />
      ))}
    </span>
  );
}

/** One source's swatch and name. */
export function SourceKey({ source }: { readonly source: keyof BytesBySource }) {
  return (
    <span className={styles.key}>
      <span className={classes(styles.swatch, styles[source])} />
      {source}
    </span>
  );
}
