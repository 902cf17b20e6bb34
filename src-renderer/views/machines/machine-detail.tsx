/** Owns what is shown of the selected machine: what it is about, what it runs, what its agent reported, and revoking it. */
import { useState } from 'react';
import type { MachineView } from '../../../src-main/contract/views/machine.ts';
import { client } from '../../client/client.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { formatBytes, shortDigest } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import table from '../../ui/table.module.css';
import text from '../../ui/text.module.css';
import { ClockTime, RelativeTime } from '../../ui/time.tsx';
import { MachineEvidence } from './machine-evidence.tsx';
import { machineSentence, reportLines } from './machines-model.ts';
import styles from './machines-view.module.css';

/** The selected machine. */
export function MachineDetail({
  machine,
  onChanged,
}: {
  readonly machine: MachineView;
  readonly onChanged: () => void;
}) {
  const [revoking, setRevoking] = useState(false);
  const repair = useAction(() => client.machines.repair({ id: machine.id }));
  const lines = reportLines(machine);
  const facts = [machine.region, machine.agentVersion && `agent ${machine.agentVersion}`].filter(Boolean).join(' · ');
  const { peers, region, reuse } = machine.bytes;
  return (
    <div className={styles.detail}>
      <section aria-label={machine.name}>
        <h2 className={styles.heading}>
          <StateGlyph state={machine.state} size={16} progress={machine.progress} label={null} />
          {machine.name} <span className={text.sub}>{facts}</span>
        </h2>
        <p className={styles.sentence}>{machineSentence(machine)}</p>
        <p className={text.sub}>
          {machine.lastReportAtMs !== null && (
            <>
              Last report <RelativeTime atMs={machine.lastReportAtMs} />
              {machine.artifactId && (
                <>
                  {' · runs '}
                  <code className={text.mono} title={machine.artifactId}>
                    {shortDigest(machine.artifactId)}
                  </code>
                </>
              )}
              {' · '}
            </>
          )}
          {formatBytes(peers)} from peers, {formatBytes(region)} from the region, {formatBytes(reuse)} reused
        </p>
        {machine.environmentNames.length > 0 && (
          <p className={text.sub}>
            Environment of {machine.channel}: <span className={text.mono}>{machine.environmentNames.join(', ')}</span>
          </p>
        )}
        <div className={styles.actions}>
          {machine.serial !== null && (
            <Button
              busy={repair.busy}
              disabled={machine.repairRequestedAtMs !== null}
              onClick={async () => {
                if (await repair.run()) onChanged();
              }}
            >
              {machine.repairRequestedAtMs === null ? 'Repair what runs' : 'Repair is asked for'}
            </Button>
          )}
          <Button onClick={() => setRevoking(true)}>Revoke machine</Button>
        </div>
      </section>
      {repair.error && <ErrorNotice error={repair.error} />}
      {machine.evidenceSerial !== null && <MachineEvidence id={machine.id} serial={machine.evidenceSerial} />}
      <section aria-label="What the agent reported">
        <h3>What the agent reported</h3>
        {lines.length === 0 && <p className={text.sub}>Nothing yet.</p>}
        <table className={classes(table.table, table.slim, styles.report)}>
          <tbody>
            {lines.map(line => (
              <tr key={`${line.atMs} ${line.words}`}>
                <td className={styles.reportTime}>
                  <ClockTime atMs={line.atMs} />
                </td>
                <td className={line.look ? text[line.look] : undefined}>{line.words}</td>
                <td className={classes(table.num, text.sub, styles.reportTook)}>{line.took}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {revoking && <RevokeDialog machine={machine} onClose={() => setRevoking(false)} onDone={onChanged} />}
    </div>
  );
}

interface RevokeDialogProps {
  readonly machine: MachineView;
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function RevokeDialog({ machine, onClose, onDone }: RevokeDialogProps) {
  const revoke = useAction(() => client.machines.remove({ id: machine.id }));
  return (
    <ConfirmDialog
      title={`Revoke ${machine.name}`}
      onClose={onClose}
      confirmLabel="Revoke machine"
      action={revoke}
      onConfirm={async () => {
        if (!(await revoke.run())) return;
        onDone();
        onClose();
      }}
    >
      <div className={styles.dialog}>
        <p>
          Its key is struck from the trust list: it gets no further release and its reports are no longer believed. What
          runs on it goes on running. Pairing it again gives it a new key.
        </p>
        {revoke.error && <ErrorNotice error={revoke.error} />}
      </div>
    </ConfirmDialog>
  );
}
