/** Owns the table of machines, grouped by channel. */
import type { ReactNode } from 'react';
import { classes } from '../../ui/classes.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { Sha } from '../../ui/time.tsx';
import type { MachineGroup, MachineRow } from './machines-model.ts';
import styles from './machines-view.module.css';
import { SourceBar, SourceKey } from './source-bar.tsx';
import { commonUnit, inUnit, sources } from './source-shares.ts';

export interface MachineTableProps {
  readonly groups: readonly MachineGroup[];
  readonly selectedId: string | null;
  readonly onSelect: (id: string) => void;
  /** What can be done with a channel. */
  readonly channelActions: (channel: string) => ReactNode;
}

const columns = 9;

/** Machines in rows; a name selects its machine. */
export function MachineTable({ groups, selectedId, onSelect, channelActions }: MachineTableProps) {
  const all = groups.flatMap(group => group.rows).map(row => row.machine.bytes);
  const whole = Math.max(0, ...all.map(bytes => bytes.peers + bytes.region + bytes.reuse));
  const unit = commonUnit(Math.max(0, ...all.flatMap(bytes => sources.map(source => bytes[source]))));
  return (
    <table className={classes(table.table, styles.machines)}>
      <thead>
        <tr>
          <th className={table.state}>
            <span className={text.hidden}>State</span>
          </th>
          <th className={styles.region}>Region</th>
          <th className={styles.machine}>Machine</th>
          <th className={classes(table.num, styles.release)}>Release</th>
          <th className={styles.phase}>Phase</th>
          <th className={styles.health}>Health</th>
          <th className={styles.drift}>Drift</th>
          <th className={classes(table.num, styles.seen)}>Seen</th>
          <th className={styles.sources}>
            {sources.map(source => (
              <SourceKey key={source} source={source} />
            ))}
            {unit.unit}
          </th>
        </tr>
      </thead>
      {groups.map(group => (
        <tbody key={group.channel}>
          <tr className={table.group}>
            <th colSpan={columns} scope="rowgroup">
              <div className={styles.group}>
                <b>{group.channel}</b>
                {group.serial === null ? 'nothing released' : `release ${group.serial}`}
                {group.revision && <Sha revision={group.revision} />}
                <span className={group.shareLook ? text[group.shareLook] : text.sub}>{group.share}</span>
                <span className={text.grow} />
                {channelActions(group.channel)}
              </div>
            </th>
          </tr>
          {group.rows.map(row => (
            <Row
              key={row.machine.id}
              row={row}
              selected={row.machine.id === selectedId}
              whole={whole}
              unitBytes={unit.bytes}
              onSelect={onSelect}
            />
          ))}
        </tbody>
      ))}
    </table>
  );
}

interface RowProps {
  readonly row: MachineRow;
  readonly selected: boolean;
  readonly whole: number;
  readonly unitBytes: number;
  readonly onSelect: (id: string) => void;
}

function Row({ row, selected, whole, unitBytes, onSelect }: RowProps) {
  const { machine } = row;
  return (
    <tr
      className={classes(selected && table.selected)}
      aria-current={selected || undefined}
      onClick={() => onSelect(machine.id)}
    >
      <td className={table.state}>
        <StateGlyph state={machine.state} progress={machine.progress} />
      </td>
      <td className={classes(styles.region, text.sub)} title={row.region}>
        {row.region}
      </td>
      <td>
        <button type="button" className={styles.name} title={machine.name} onClick={() => onSelect(machine.id)}>
          {machine.name}
        </button>
      </td>
      <td className={table.num}>{machine.serial ?? '–'}</td>
      <td className={row.phaseLook ? text[row.phaseLook] : undefined} title={row.phase}>
        {row.phase}
      </td>
      <td className={row.healthLook ? text[row.healthLook] : undefined} title={row.health}>
        {row.health}
      </td>
      <td className={classes(styles.drift, row.driftLook ? text[row.driftLook] : text.sub)} title={row.drift}>
        {row.drift}
      </td>
      <td className={table.num}>{row.seen}</td>
      <td className={styles.sources}>
        <div className={styles.bytes}>
          <SourceBar bytes={machine.bytes} ofBytes={whole} />
          <span className={classes(styles.numbers, text.sub)} aria-hidden>
            {sources.map(source => (
              <span key={source}>{inUnit(machine.bytes[source], unitBytes)}</span>
            ))}
          </span>
        </div>
      </td>
    </tr>
  );
}
