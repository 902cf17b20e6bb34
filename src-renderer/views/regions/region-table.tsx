/** Owns the same as the map in rows: for the keyboard, for screen readers, and for exact numbers. */
import { classes } from '../../ui/classes.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { MainStoreGlyph } from './main-store-glyph.tsx';
import type { RegionRow } from './regions-model.ts';
import styles from './regions-view.module.css';

export interface RegionTableProps {
  readonly rows: readonly RegionRow[];
  readonly selectedId: string | null;
  readonly onSelect: (id: string) => void;
}

/** Regions in rows; a name selects its region. */
export function RegionTable({ rows, selectedId, onSelect }: RegionTableProps) {
  return (
    <table className={classes(table.table, table.two, styles.regions)}>
      <thead>
        <tr>
          <th className={styles.glyphColumn}>
            <span className={text.hidden}>Glyph</span>
          </th>
          <th>Region</th>
          <th className={styles.stateColumn}>State</th>
          <th className={classes(table.num, styles.lagColumn)}>Lag</th>
          <th className={classes(table.num, styles.bytesColumn)}>Bytes</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(row => (
          <tr
            key={row.id}
            className={classes(row.id === selectedId && table.selected)}
            aria-current={row.id === selectedId || undefined}
            onClick={() => onSelect(row.id)}
          >
            <td className={styles.glyphColumn}>
              {row.isMain ? <MainStoreGlyph /> : <StateGlyph state={row.look} progress={row.progress} label={null} />}
            </td>
            <td>
              <button type="button" className={styles.name} onClick={() => onSelect(row.id)}>
                {row.name}
              </button>
              <div className={classes(text.sub, text.one)} title={row.place}>
                {row.place}
              </div>
            </td>
            <td>
              <span className={row.isMain ? undefined : text[row.look]}>{row.word}</span>
              <div className={classes(text.sub, text.one)} title={row.detail}>
                {row.detail || '\u00a0'}
              </div>
            </td>
            <td className={table.num}>
              {row.lag}
              <div className={text.sub}>{'\u00a0'}</div>
            </td>
            <td className={classes(table.num, table.last)}>
              {row.bytes}
              <div className={text.sub}>{row.rate || '\u00a0'}</div>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
