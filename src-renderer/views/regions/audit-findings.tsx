/** Owns the list of what a verification found: each object, what was wrong with it, and what was done. */
import type { AuditResult } from '../../../src-main/contract/replication-api.ts';
import { classes } from '../../ui/classes.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { actionOf } from './region-facts.ts';
import styles from './regions-view.module.css';

/** So many are shown; the command line and the API give them all. */
const mostShown = 50;

export function AuditFindings({ result }: { readonly result: AuditResult }) {
  const { findings, moreFindings } = result;
  if (findings.length === 0) return null;
  const more = moreFindings + Math.max(0, findings.length - mostShown);
  return (
    <>
      <table className={classes(table.table, table.slim, styles.findings)}>
        <caption className={text.hidden}>What was found</caption>
        <thead className={text.hidden}>
          <tr>
            <th scope="col" className={styles.copyGlyph}>
              State
            </th>
            <th scope="col">Object</th>
          </tr>
        </thead>
        <tbody>
          {findings.slice(0, mostShown).map(finding => {
            const { word, look } = actionOf(finding);
            return (
              <tr key={`${finding.key} ${finding.problem}`}>
                <td className={classes(styles.finding, styles.copyGlyph)}>
                  <StateGlyph state={look} size={12} label={word} />
                </td>
                <td className={styles.finding}>
                  {finding.problem}, {word}: <code className={text.mono}>{finding.key}</code>
                  <div className={text.sub}>
                    {finding.detail}; {finding.done}
                  </div>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {more > 0 && <p className={text.sub}>And {more} more; “slipway region verify --json” lists them.</p>}
    </>
  );
}
