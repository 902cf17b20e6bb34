/** Owns the field that searches a log: what is looked for, which match is shown, and the way to the next one. */
import { CaseSensitive, ChevronDown, ChevronUp, Search } from 'lucide-react';
import { type KeyboardEvent, useRef } from 'react';
import { useCommands } from '../../commands/registry.ts';
import { IconButton } from '../../ui/button.tsx';
import styles from './job-log-search.module.css';
import type { LogSearching } from './use-log-search.ts';

const icon = { size: 14, strokeWidth: 1.5, 'aria-hidden': true } as const;

/** The engine takes no more. */
const mostLetters = 200;

/** The search field. Enter goes to the next match, Shift+Enter to the one before, Escape empties it. */
export function JobLogSearch({ search, disabled }: { readonly search: LogSearching; readonly disabled: boolean }) {
  const field = useRef<HTMLInputElement>(null);
  const hasMatches = !disabled && (search.state?.found.total ?? 0) > 0;
  useCommands([
    {
      id: 'log.search',
      title: 'Search the whole log',
      group: 'Do',
      shortcut: '/',
      isEnabled: () => !disabled,
      // After the palette, which gives the focus back as it closes.
      run: () => requestAnimationFrame(() => field.current?.select()),
    },
    {
      id: 'log.nextMatch',
      title: 'Show the next match in the log',
      group: 'Do',
      shortcut: 'Mod+G',
      isEnabled: () => hasMatches,
      run: () => search.step(1),
    },
    {
      id: 'log.previousMatch',
      title: 'Show the match before in the log',
      group: 'Do',
      shortcut: 'Alt+G',
      isEnabled: () => hasMatches,
      run: () => search.step(-1),
    },
  ]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') search.step(event.shiftKey ? -1 : 1);
    else if (event.key === 'Escape' && search.text !== '') search.setText('');
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <search className={styles.search}>
      <Search {...icon} className={styles.icon} />
      <input
        ref={field}
        type="text"
        className={styles.field}
        placeholder="Search the whole log"
        aria-label="Search the whole log"
        aria-keyshortcuts="/"
        maxLength={mostLetters}
        spellCheck={false}
        disabled={disabled}
        value={search.text}
        onChange={event => search.setText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <span className={styles.words} role="status">
        {search.error ? search.error.message : search.busy && search.words === '' ? 'searching…' : search.words}
      </span>
      <IconButton
        small
        label="Match capital letters"
        aria-pressed={search.matchCase}
        disabled={disabled}
        onClick={() => search.setMatchCase(!search.matchCase)}
      >
        <CaseSensitive {...icon} />
      </IconButton>
      <IconButton small label="Match before" disabled={!hasMatches} onClick={() => search.step(-1)}>
        <ChevronUp {...icon} />
      </IconButton>
      <IconButton small label="Next match" disabled={!hasMatches} onClick={() => search.step(1)}>
        <ChevronDown {...icon} />
      </IconButton>
    </search>
  );
}
