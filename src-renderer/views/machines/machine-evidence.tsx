/** Owns what is shown of a release that did not come up on a machine: why, the health answers, and its last output. */
import { client } from '../../client/client.ts';
import { useQuery } from '../../state/use-query.ts';
import { classes } from '../../ui/classes.ts';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import text from '../../ui/text.module.css';
import { ClockTime } from '../../ui/time.tsx';
import styles from './machines-view.module.css';

/** The evidence of one release on one machine. */
export function MachineEvidence({ id, serial }: { readonly id: string; readonly serial: number }) {
  const found = useQuery(`evidence:${id}:${serial}`, () => client.machines.evidence({ id, serial }), []);
  if (found.error && !found.data) return <ErrorNotice error={found.error} onRetry={found.refetch} />;
  if (!found.data) return null;
  const { error, health, lastOutput, unitLog, backAtSerial, atMs } = found.data;
  return (
    <section aria-label={`Why release ${serial} did not come up`}>
      <h3>Why release {serial} did not come up</h3>
      <p className={text.sub}>
        <ClockTime atMs={atMs} />
        {backAtSerial === null ? ' · nothing ran before' : ` · back at release ${backAtSerial}`}
      </p>
      <p>{error.message}</p>
      {health.map(answer => (
        <p key={answer.atMs} className={text.sub}>
          <ClockTime atMs={answer.atMs} /> {answer.problem ?? 'good'}
        </p>
      ))}
      {[lastOutput, unitLog ?? '']
        .filter(output => output.trim() !== '')
        .map(output => (
          <pre key={output} className={classes(text.mono, styles.output)}>
            {output}
          </pre>
        ))}
    </section>
  );
}
