/** Owns the matrix of the newest artifacts and the regions: one glyph for each copy. */
import type { RegionView } from '../../../src-main/contract/views/region.ts';
import { classes } from '../../ui/classes.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import { Sha } from '../../ui/time.tsx';
import { type ArtifactView, regionCodes, replicaLook } from './regions-model.ts';
import styles from './regions-view.module.css';

export interface ArtifactMatrixProps {
  readonly regions: readonly Pick<RegionView, 'id' | 'name'>[];
  readonly artifacts: readonly ArtifactView[];
  readonly chosenId: string | null;
  readonly onChoose: (buildId: string) => void;
}

/** Beyond this the matrix would be wider than its pane; the table and the map still show every region. */
const mostColumns = 9;
const mostRows = 6;

/** The newest artifacts in rows, regions in columns. A name shows that artifact on the map. */
export function ArtifactMatrix({ regions, artifacts, chosenId, onChoose }: ArtifactMatrixProps) {
  const shown = regions.slice(0, mostColumns);
  const codes = regionCodes(shown.map(region => region.name));
  if (artifacts.length === 0 || shown.length === 0) return null;
  return (
    <table className={classes(table.table, styles.matrix)}>
      <thead>
        <tr>
          <th>Newest artifacts</th>
          {shown.map((region, index) => (
            <th key={region.id} className={styles.cell}>
              <abbr title={region.name}>{codes[index]}</abbr>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {artifacts.slice(0, mostRows).map(artifact => (
          <tr key={artifact.id} className={classes(artifact.id === chosenId && styles.chosen)}>
            <td>
              <button type="button" className={styles.plain} onClick={() => onChoose(artifact.id)}>
                {artifact.repositoryName} <Sha revision={artifact.revision.revision} />
              </button>
            </td>
            {shown.map(region => {
              const replica = artifact.replicas.find(one => one.regionId === region.id);
              const share = replica && replica.bytesTotal > 0 ? replica.bytesDone / replica.bytesTotal : null;
              return (
                <td key={region.id} className={styles.cell}>
                  <StateGlyph
                    state={replica ? replicaLook(replica) : 'pending'}
                    size={12}
                    progress={share}
                    label={`${region.name}: ${replica?.status ?? 'pending'}`}
                  />
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
