/** Owns the command palette: every action and every object, by a few letters. */
import { Dialog } from '@base-ui/react/dialog';
import { Search } from 'lucide-react';
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { client } from '../../client/client.ts';
import { type Command, findCommands, shortcutWords } from '../../commands/command.ts';
import { jobCommands, machineCommands, regionCommands, repositoryCommands } from '../../commands/object-commands.ts';
import { commandStore, isMac } from '../../commands/registry.ts';
import { panelStore } from '../../state/panels.ts';
import { useMachines, useOverview, useRegions } from '../../state/shared-queries.ts';
import { useQuery } from '../../state/use-query.ts';
import text from '../../ui/text.module.css';
import styles from './palette.module.css';

/** Jobs that can be found by number, newest first. */
const jobsToFind = 100;

function useAllCommands(): readonly Command[] {
  const { commands } = useStore(commandStore);
  const rows = useOverview().data?.repositories ?? [];
  const jobs = useQuery('jobs:newest', () => client.jobs.list({ limit: jobsToFind }), ['job']).data?.jobs ?? [];
  const regions = useRegions().data ?? [];
  const machines = useMachines().data ?? [];
  // A view's own command stands for the lasting one of the same name.
  const own = commands.filter(
    ({ id }, index) => id !== 'palette.open' && commands.findIndex(other => other.id === id) === index,
  );
  return [
    ...own,
    ...repositoryCommands(rows),
    ...jobCommands(jobs),
    ...regionCommands(regions),
    ...machineCommands(machines),
  ];
}

/** Where the highlight goes for a key; null for keys that do not move it. */
function moved(key: string, index: number, length: number): number | null {
  if (length === 0) return null;
  switch (key) {
    case 'ArrowDown':
      return (index + 1) % length;
    case 'ArrowUp':
      return (index - 1 + length) % length;
    case 'PageDown':
      return Math.min(length - 1, index + 8);
    case 'PageUp':
      return Math.max(0, index - 8);
    default:
      return null;
  }
}

/** Whether the command led elsewhere: then the keyboard goes there, and not back to where it was. */
function movedOn(openedAt: string): boolean {
  return location.hash !== openedAt || panelStore.getState().open !== null;
}

/** The palette, open as long as it is rendered. */
export function Palette({ onClose }: { readonly onClose: () => void }) {
  const [query, setQuery] = useState('');
  const [index, setIndex] = useState(0);
  const found = findCommands(useAllCommands(), query);
  const chosen = found[Math.min(index, found.length - 1)];
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const openedAt = useRef(location.hash);
  const chosenId = chosen?.id;
  useEffect(() => {
    if (chosenId) list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  }, [chosenId]);

  const run = (command: Command) => {
    // Closing first gives the keyboard back to the page, so that a panel that the command opens can take it.
    onClose();
    command.run();
  };
  const press = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === 'Enter' && chosen) {
      event.preventDefault();
      run(chosen);
      return;
    }
    const next = moved(event.key, Math.min(index, found.length - 1), found.length);
    if (next === null) return;
    event.preventDefault();
    setIndex(next);
  };

  return (
    <Dialog.Root open onOpenChange={open => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop} />
        <Dialog.Popup className={styles.popup} finalFocus={() => !movedOn(openedAt.current)}>
          <Dialog.Title className={text.hidden}>Find or do anything</Dialog.Title>
          <div className={styles.field}>
            <Search size={16} strokeWidth={1.5} aria-hidden />
            <input
              className={styles.input}
              role="combobox"
              aria-expanded
              aria-controls={`${id}-list`}
              aria-activedescendant={chosen ? `${id}-${chosen.id}` : undefined}
              aria-autocomplete="list"
              aria-label="Find or do anything"
              placeholder="Find or do anything"
              spellCheck={false}
              value={query}
              onChange={event => {
                setQuery(event.target.value);
                setIndex(0);
              }}
              onKeyDown={press}
            />
            <Dialog.Close className={text.hidden}>Close</Dialog.Close>
          </div>
          {found.length === 0 && <p className={styles.none}>Nothing is called “{query}”.</p>}
          <div id={`${id}-list`} role="listbox" aria-label="Commands" className={styles.list} ref={list}>
            {found.map((command, at) => (
              <PaletteItem
                key={command.id}
                id={`${id}-${command.id}`}
                command={command}
                heading={found[at - 1]?.group === command.group ? null : command.group}
                selected={command === chosen}
                onPoint={() => setIndex(at)}
                onRun={() => run(command)}
              />
            ))}
          </div>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

interface PaletteItemProps {
  readonly id: string;
  readonly command: Command;
  readonly heading: string | null;
  readonly selected: boolean;
  readonly onPoint: () => void;
  readonly onRun: () => void;
}

function PaletteItem({ id, command, heading, selected, onPoint, onRun }: PaletteItemProps) {
  return (
    <>
      {heading && (
        <div className={styles.group} role="presentation">
          {heading}
        </div>
      )}
      {/** biome-ignore lint/a11y/useFocusableInteractive lint/a11y/useKeyWithClickEvents: the field has focus and keys */}
      <div
        id={id}
        role="option"
        data-command={command.id}
        aria-selected={selected}
        className={styles.item}
        onMouseMove={onPoint}
        onClick={onRun}
      >
        <span>{command.title}</span>
        <span className={styles.detail}>{command.detail}</span>
        {command.shortcut && <kbd className={styles.keys}>{shortcutWords(command.shortcut, isMac)}</kbd>}
      </div>
    </>
  );
}
