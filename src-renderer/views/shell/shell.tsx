/** Owns the frame around every view: rail, title bar, connection, panels, window title. */

import { X } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { useStore } from 'zustand';
import { client, connection } from '../../client/client.ts';
import { failureStore } from '../../commands/registry.ts';
import { closePanel, panelStore } from '../../state/panels.ts';
import { standstillWords } from '../../state/pool-words.ts';
import { queries } from '../../state/queries.ts';
import type { Route } from '../../state/route.ts';
import { useOverview, useStatus } from '../../state/shared-queries.ts';
import { useAction } from '../../state/use-action.ts';
import { Button, IconButton } from '../../ui/button.tsx';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import { AheadTime } from '../../ui/time.tsx';
import { AddRepositoryDialog } from '../repositories/add-repository-dialog.tsx';
import { Palette } from './palette.tsx';
import { Rail } from './rail.tsx';
import styles from './shell.module.css';
import { TitleBar } from './title-bar.tsx';
import { useWindowState } from './window-state.ts';

/** Says in words that there is no connection, and what is done about it. */
function ConnectionBanner() {
  const state = useStore(connection.state);
  const known = useOverview().data !== undefined;
  if (state.kind !== 'offline') return null;
  return (
    <div className={styles.banner} role="status">
      <StateGlyph state="stale" label={null} />
      <span className={styles.bannerWords}>
        {state.reason}
        {known && ' What you see is the last that was known.'}
        {state.retryAtMs !== null && (
          <>
            {' '}
            Next try <AheadTime atMs={state.retryAtMs} />.
          </>
        )}
      </span>
      {state.retryAtMs !== null && <Button onClick={() => connection.retryNow()}>Connect now</Button>}
    </div>
  );
}

/** The failure of a command that was started from the palette or by a shortcut. */
function FailureBanner() {
  const { message } = useStore(failureStore);
  if (message === null) return null;
  return (
    <div className={styles.banner} role="alert">
      <StateGlyph state="failed" label={null} />
      <span className={styles.bannerWords}>{message}</span>
      <IconButton label="Dismiss" small onClick={() => failureStore.setState({ message: null })}>
        <X size={14} strokeWidth={1.5} aria-hidden />
      </IconButton>
    </div>
  );
}

/** Problems of the engine itself, which no single view would show. */
function EngineProblems() {
  const status = useStatus();
  const problem = status.data?.problems[0];
  if (!problem) return null;
  const more = (status.data?.problems.length ?? 1) - 1;
  return (
    <div className={styles.banner} role="status">
      <StateGlyph state="stale" label={null} />
      <span className={styles.bannerWords}>
        {problem.message}
        {more > 0 && <a href="#/settings"> {more} more in Settings</a>}
      </span>
    </div>
  );
}

/** Builds that nobody takes must not look like builds that are slow. */
function StandstillBanner() {
  const status = useStatus().data;
  const resume = useAction(async () => {
    await client.workers.setMode({ mode: 'running' });
    queries.refetch('status');
  });
  const words = status ? standstillWords(status.workers) : null;
  if (words === null) return null;
  return (
    <div className={styles.banner} role="status">
      <StateGlyph state="stale" label={null} />
      <span className={styles.bannerWords}>{resume.error?.message ?? words}</span>
      <Button busy={resume.busy} onClick={() => void resume.run()}>
        Resume
      </Button>
    </div>
  );
}

/** Moves the keyboard to the top of a view when the address changes, so that reading starts there. */
function useFocusOnNavigation(route: Route) {
  const main = useRef<HTMLElement>(null);
  const address = JSON.stringify(route);
  const shown = useRef(address);
  useEffect(() => {
    if (shown.current === address) return;
    shown.current = address;
    main.current?.focus({ preventScroll: true });
    main.current?.scrollTo(0, 0);
  }, [address]);
  return main;
}

export interface ShellProps {
  readonly route: Route;
  readonly children: ReactNode;
}

/** The frame. */
export function Shell({ route, children }: ShellProps) {
  const { open: panel, given } = useStore(panelStore);
  const main = useFocusOnNavigation(route);
  const overview = useOverview();
  useWindowState(overview.data?.repositories ?? []);
  return (
    <div className={styles.app}>
      <button type="button" className={styles.skip} onClick={() => main.current?.focus()}>
        Skip to the view
      </button>
      <Rail route={route} />
      <div className={styles.work}>
        <TitleBar route={route} />
        <div>
          <ConnectionBanner />
          <FailureBanner />
          <EngineProblems />
          <StandstillBanner />
        </div>
        <main className={styles.main} ref={main} tabIndex={-1}>
          {children}
        </main>
      </div>
      {panel === 'palette' && <Palette onClose={() => closePanel('palette')} />}
      {panel === 'add-repository' && (
        <AddRepositoryDialog key={given} source={given} onClose={() => closePanel('add-repository')} />
      )}
    </div>
  );
}
