/** Owns the dialog that makes or edits a channel: when it releases, how releases go over its machines, whether it is frozen. */
import { useState } from 'react';
import type { ChannelSummary } from '../../../src-main/contract/views/release.ts';
import { client } from '../../client/client.ts';
import { queries } from '../../state/queries.ts';
import { useAction } from '../../state/use-action.ts';
import { CheckField, TextField } from '../../ui/field.tsx';
import { FormDialog } from '../../ui/form-dialog.tsx';
import { SelectField } from '../../ui/select.tsx';
import { type ChannelDraft, draftOf, draftProblems, freezeOf, rolloutOf } from './channel-model.ts';

const ways = [
  { value: 'all', label: 'All machines at once' },
  { value: 'one-by-one', label: 'One by one' },
  { value: 'regions', label: 'Region by region' },
  { value: 'percent', label: 'In growing shares' },
  { value: 'canary', label: 'A few first' },
] as const;

export interface ChannelDialogProps {
  readonly repositoryId: string;
  /** Null: a new one. */
  readonly channel: ChannelSummary | null;
  /** Names of the repository's other channels. */
  readonly taken: readonly string[];
  readonly onClose: () => void;
}

/** Makes or edits a channel. What it runs stays as it is. */
export function ChannelDialog({ repositoryId, channel, taken, onClose }: ChannelDialogProps) {
  const [draft, setDraft] = useState(() => draftOf(channel));
  const [tried, setTried] = useState(false);
  const problems = draftProblems(draft, taken);
  const change = (part: Partial<ChannelDraft>) => setDraft(before => ({ ...before, ...part }));
  const problem = (field: keyof typeof problems) => (tried ? (problems[field] ?? null) : null);
  const save = useAction(async () => {
    const { name } = draft;
    const policy = draft.auto ? 'auto' : 'manual';
    await client.channels.set({ repositoryId, name, policy, rollout: rolloutOf(draft) });
    const reason = freezeOf(draft, channel);
    if (reason !== undefined) await client.channels.freeze({ repositoryId, name, reason });
    queries.refetch(`repository:${repositoryId}`);
    onClose();
  });
  const submit = () => {
    setTried(true);
    if (Object.keys(problems).length === 0) void save.run();
  };
  return (
    <FormDialog
      title={channel === null ? 'Add a channel' : `Edit ${channel.name}`}
      onClose={onClose}
      footerNote="Holds from the next release on."
      submitLabel={channel === null ? 'Add channel' : 'Save channel'}
      action={save}
      onSubmit={submit}
    >
      <TextField
        label="Name"
        value={draft.name}
        onChange={name => change({ name })}
        error={problem('name')}
        readOnly={channel !== null}
        autoFocus={channel === null}
        placeholder="staging"
        spellCheck={false}
        autoComplete="off"
      />
      <CheckField
        label="Release by itself"
        hint="Every new build goes live that comes after what runs."
        checked={draft.auto}
        onChange={auto => change({ auto })}
      />
      <SelectField
        label="How releases go over its machines"
        value={draft.way}
        options={ways}
        onChange={way => change({ way })}
      />
      {draft.way === 'percent' && (
        <TextField
          label="Shares of all machines, in percent"
          value={draft.steps}
          onChange={steps => change({ steps })}
          error={problem('steps')}
        />
      )}
      {draft.way === 'canary' && (
        <TextField
          label="Machines that go first"
          value={draft.machines}
          onChange={machines => change({ machines })}
          error={problem('machines')}
          inputMode="numeric"
        />
      )}
      {draft.way !== 'all' && (
        <>
          <TextField
            label="Minutes between them"
            value={draft.waitMinutes}
            onChange={waitMinutes => change({ waitMinutes })}
            error={problem('waitMinutes')}
            inputMode="numeric"
          />
          <CheckField
            label="Stop where a machine goes back"
            hint="The others stay on what they run until a person decides."
            checked={draft.stopsAtFailure}
            onChange={stopsAtFailure => change({ stopsAtFailure })}
          />
        </>
      )}
      {channel !== null && (
        <CheckField
          label="Frozen"
          hint="Nothing is released on it, except by force with a reason."
          checked={draft.frozen}
          onChange={frozen => change({ frozen })}
        />
      )}
      {draft.frozen && (
        <TextField
          label="Why it is frozen"
          value={draft.reason}
          onChange={reason => change({ reason })}
          error={problem('reason')}
          maxLength={500}
        />
      )}
    </FormDialog>
  );
}
