/** Owns the machines view: the fleet of one repository by channel, the selected machine, and the channel's releases. */
import { Plus, Undo2, Upload } from 'lucide-react';
import { useState } from 'react';
import { client } from '../../client/client.ts';
import { useCommands } from '../../commands/registry.ts';
import { useMachines, useOverview, useRegions } from '../../state/shared-queries.ts';
import { useQuery } from '../../state/use-query.ts';
import { Button } from '../../ui/button.tsx';
import { classes } from '../../ui/classes.ts';
import { useNow } from '../../ui/clock.ts';
import { EmptyState } from '../../ui/empty-state.tsx';
import { ErrorNotice } from '../../ui/error-notice.tsx';
import { Select } from '../../ui/select.tsx';
import text from '../../ui/text.module.css';
import view from '../../ui/view.module.css';
import { ReleaseDialog } from '../releases/release-dialog.tsx';
import { MachineDetail } from './machine-detail.tsx';
import { MachineTable } from './machine-table.tsx';
import { canRollBack, firstMachine, fleetWords, machineGroups, savingWords } from './machines-model.ts';
import styles from './machines-view.module.css';
import { PairDialog } from './pair-dialog.tsx';
import { ReleaseList } from './release-list.tsx';

type Dialog = { readonly kind: 'pair' } | { readonly kind: 'promote' | 'rollback'; readonly channel: string };

/** The machines of every repository, one repository at a time. */
export function MachinesView() {
  const overview = useOverview();
  const machines = useMachines();
  const regions = useRegions();
  const nowMs = useNow();
  const [chosenRepository, setChosenRepository] = useState<string | null>(null);
  const [machineId, setMachineId] = useState<string | null>(null);
  const [dialog, setDialog] = useState<Dialog | null>(null);

  const repositories = overview.data?.repositories ?? [];
  const withTrouble = machines.data?.find(machine => machine.state === 'failed') ?? machines.data?.[0];
  const repository =
    repositories.find(one => one.id === chosenRepository) ??
    repositories.find(one => one.id === withTrouble?.repositoryId) ??
    repositories[0];
  const own = (machines.data ?? []).filter(machine => machine.repositoryId === repository?.id);
  const groups = machineGroups(own, repository?.channels ?? [], nowMs);
  const selectedId = own.some(machine => machine.id === machineId) ? machineId : firstMachine(groups);
  const selected = own.find(machine => machine.id === selectedId);
  const channel = selected?.channel ?? groups[0]?.channel;
  const releases = useQuery(
    `releases:${repository?.id}`,
    async () => (repository ? client.releases.list({ repositoryId: repository.id }) : []),
    ['release', 'machine'],
    { repositoryId: repository?.id, enabled: repository !== undefined },
  );
  const releasesOn = (name: string) => (releases.data ?? []).filter(release => release.channel === name);
  useCommands([
    {
      id: 'machines.pair',
      title: 'Pair a machine',
      group: 'Do',
      shortcut: null,
      isEnabled: () => repository !== undefined,
      run: () => setDialog({ kind: 'pair' }),
    },
  ]);
  const error = overview.error ?? machines.error ?? releases.error;

  if (!overview.data || !machines.data) {
    return error ? (
      <ErrorNotice error={error} onRetry={machines.refetch} />
    ) : (
      <EmptyState title="Loading the machines" />
    );
  }
  if (!repository) {
    return (
      <EmptyState title="No machines yet">
        A machine follows a channel of a repository. Add a repository first, then pair a machine with it here.
      </EmptyState>
    );
  }
  return (
    <section className={view.view} aria-label="Machines">
      <div className={view.toolbar}>
        <Select
          label="Repository"
          value={repository.id}
          options={repositories.map(one => ({
            value: one.id,
            label: one.name,
            detail: fleetWords(
              (machines.data ?? []).filter(machine => machine.repositoryId === one.id),
              one.channels,
            ),
          }))}
          onChange={id => {
            setChosenRepository(id);
            setMachineId(null);
          }}
        />
        <span className={classes(text.sub, text.one)} title={savingWords(own) ?? undefined}>
          {savingWords(own)}
        </span>
        <span className={text.grow} />
        <Button icon={<Plus size={14} strokeWidth={1.5} aria-hidden />} onClick={() => setDialog({ kind: 'pair' })}>
          Pair a machine
        </Button>
      </div>
      {error && <ErrorNotice error={error} onRetry={machines.refetch} />}
      <div className={styles.grid}>
        <div className={styles.fleet}>
          {groups.length > 0 && (
            <MachineTable
              groups={groups}
              selectedId={selectedId}
              onSelect={setMachineId}
              channelActions={name => (
                <ChannelActions
                  channel={name}
                  canRollBack={canRollBack(releasesOn(name))}
                  onOpen={kind => setDialog({ kind, channel: name })}
                />
              )}
            />
          )}
          {own.length === 0 && (
            <EmptyState
              title="No machine follows this repository"
              actions={
                <Button variant="primary" onClick={() => setDialog({ kind: 'pair' })}>
                  Pair a machine
                </Button>
              }
            >
              Pairing gives you one command to run on the machine. From then on it follows its channel by itself.
            </EmptyState>
          )}
          {selected && <MachineDetail key={selected.id} machine={selected} onChanged={machines.refetch} />}
        </div>
        <aside className={styles.side} aria-label="Releases">
          {channel && <ReleaseList channel={channel} releases={releasesOn(channel)} />}
        </aside>
      </div>
      {dialog?.kind === 'pair' && (
        <PairDialog
          repositoryId={repository.id}
          repositoryName={repository.name}
          channels={repository.channels}
          regions={regions.data ?? []}
          onClose={() => setDialog(null)}
          onPaired={machines.refetch}
        />
      )}
      {dialog && dialog.kind !== 'pair' && (
        <ReleaseDialog
          repositoryId={repository.id}
          channel={dialog.channel}
          kind={dialog.kind}
          onClose={() => setDialog(null)}
        />
      )}
    </section>
  );
}

interface ChannelActionsProps {
  readonly channel: string;
  readonly canRollBack: boolean;
  readonly onOpen: (kind: 'promote' | 'rollback') => void;
}

function ChannelActions({ channel, canRollBack, onOpen }: ChannelActionsProps) {
  return (
    <span className={styles.channelActions}>
      <button type="button" className={styles.quietButton} onClick={() => onOpen('promote')}>
        <Upload size={14} strokeWidth={1.5} aria-hidden />
        Promote<span className={text.hidden}> on {channel}</span>
      </button>
      <button type="button" className={styles.quietButton} disabled={!canRollBack} onClick={() => onOpen('rollback')}>
        <Undo2 size={14} strokeWidth={1.5} aria-hidden />
        Roll back<span className={text.hidden}> {channel}</span>
      </button>
    </span>
  );
}
