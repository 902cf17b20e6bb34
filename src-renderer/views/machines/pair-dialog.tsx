/** Owns the dialog that pairs a machine: asks for its name and channel, then shows the command once. */
import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import type { Pairing } from '../../../src-main/contract/views/machine.ts';
import type { RegionView } from '../../../src-main/contract/views/region.ts';
import type { ChannelSummary } from '../../../src-main/contract/views/release.ts';
import { client } from '../../client/client.ts';
import { useAction } from '../../state/use-action.ts';
import { Button } from '../../ui/button.tsx';
import { DockedDialog } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { SelectField } from '../../ui/select.tsx';
import text from '../../ui/text.module.css';
import { AheadTime } from '../../ui/time.tsx';
import styles from './machines-view.module.css';

export interface PairDialogProps {
  readonly repositoryId: string;
  readonly repositoryName: string;
  readonly channels: readonly ChannelSummary[];
  readonly regions: readonly RegionView[];
  readonly onClose: () => void;
  readonly onPaired: () => void;
}

const noRegion = 'none';
/** A repository without channels gets this one with its first machine. */
const firstChannel = 'production';

/** Pairs a machine. The command holds a one-time secret: it is shown here and nowhere else. */
export function PairDialog(props: PairDialogProps) {
  const { repositoryId, repositoryName, channels, regions, onClose, onPaired } = props;
  const names = channels.length > 0 ? channels.map(channel => channel.name) : [firstChannel];
  const [name, setName] = useState('');
  const [channel, setChannel] = useState(names[0] ?? firstChannel);
  const [regionId, setRegionId] = useState<string>(noRegion);
  const [tried, setTried] = useState(false);
  const pair = useAction(client.machines.pair);
  const [pairing, setPairing] = useState<Pairing | null>(null);

  const submit = async () => {
    setTried(true);
    if (!name.trim()) return;
    const made = await pair.run({
      repositoryId,
      channel,
      name: name.trim(),
      ...(regionId === noRegion ? {} : { regionId }),
    });
    if (!made) return;
    setPairing(made);
    onPaired();
  };

  if (pairing) return <PairingCommand name={name} pairing={pairing} onClose={onClose} />;
  return (
    <FormDialog
      title={`Pair a machine with ${repositoryName}`}
      onClose={onClose}
      submitLabel="Make the command"
      action={pair}
      onSubmit={() => void submit()}
    >
      <TextField
        label="Name"
        value={name}
        hint="As it is called in the table: hel-app-1"
        error={tried && !name.trim() ? 'Give the machine a name.' : null}
        autoComplete="off"
        onChange={setName}
      />
      <SelectField
        label="Channel it follows"
        value={channel}
        options={names.map(one => ({ value: one, label: one }))}
        onChange={setChannel}
      />
      <SelectField
        label="Region whose store it reads first"
        value={regionId}
        options={[
          { value: noRegion, label: 'The main store' },
          ...regions.filter(one => !one.isMain).map(one => ({ value: one.id, label: one.name, detail: one.location })),
        ]}
        onChange={setRegionId}
      />
    </FormDialog>
  );
}

function PairingCommand({
  name,
  pairing,
  onClose,
}: {
  readonly name: string;
  readonly pairing: Pairing;
  readonly onClose: () => void;
}) {
  const copy = useAction(async () => {
    await navigator.clipboard.writeText(pairing.command);
    return true;
  });
  const [copied, setCopied] = useState(false);
  return (
    <DockedDialog
      kind="confirm"
      wide
      title={`Run this on ${name}`}
      onClose={onClose}
      footerNote={
        <>
          works once, expires <AheadTime atMs={pairing.expiresAtMs} />
        </>
      }
      footer={
        <>
          <Button
            icon={
              copied ? (
                <Check size={14} strokeWidth={1.5} aria-hidden />
              ) : (
                <Copy size={14} strokeWidth={1.5} aria-hidden />
              )
            }
            onClick={async () => setCopied((await copy.run()) === true)}
          >
            {copied ? 'Copied' : 'Copy'}
          </Button>
          <Button variant="primary" onClick={onClose}>
            Done
          </Button>
        </>
      }
    >
      <div className={styles.dialog}>
        <p>
          The command makes a key on the machine and enrolls it through the store. It holds a one-time secret and is
          shown only now.
        </p>
        <pre className={styles.command} data-pairing-command>
          {pairing.command}
        </pre>
        {copy.error && <p className={text.failed}>It could not be copied. Select the command and copy it by hand.</p>}
      </div>
    </DockedDialog>
  );
}
