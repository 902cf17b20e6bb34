/** Owns the left rail: the places with their counts, and the engine's state at its foot. */
import {
  ArrowDown,
  ArrowUp,
  ChartNoAxesColumn,
  GitBranch,
  Globe,
  ListChecks,
  type LucideIcon,
  Server,
  SlidersHorizontal,
  TextAlignStart,
  Waypoints,
} from 'lucide-react';
import { type ReactNode, useEffect } from 'react';
import { useStore } from 'zustand';
import type { EngineStatus } from '../../../src-main/contract/views/engine.ts';
import type { VisualState } from '../../../src-main/contract/views/state.ts';
import { connection } from '../../client/client.ts';
import { troubledJobs } from '../../state/fleet.ts';
import { poolWords } from '../../state/pool-words.ts';
import { queries } from '../../state/queries.ts';
import { type Route, routeHref, type ViewName } from '../../state/route.ts';
import { useMachines, useOverview, useRegions, useStatus } from '../../state/shared-queries.ts';
import { classes } from '../../ui/classes.ts';
import { useNow } from '../../ui/clock.ts';
import { formatBytes, formatRelative } from '../../ui/format.ts';
import { StateGlyph } from '../../ui/state-glyph.tsx';
import styles from './rail.module.css';

type PlaceView = Exclude<ViewName, 'repository' | 'job'>;

/** More slots than this are a number, not a picture. */
const mostSlots = 6;

function Logo() {
  return (
    <svg className={styles.logo} width={20} height={20} viewBox="0 0 20 20" aria-hidden>
      <path className={styles.way} d="M1.5 9.5 13 15.2" />
      <path className={styles.sea} d="M13 15.2h5.5" />
      <path className={styles.hull} d="M3.2 4.3 14.8 10l-3.9 2.4L3.3 8.6z" />
    </svg>
  );
}

interface PlaceProps {
  readonly view: PlaceView;
  readonly title: string;
  readonly icon: LucideIcon;
  readonly current: boolean;
  /** With a state: a problem count with its glyph. */
  readonly count?: { readonly number: number; readonly state: VisualState | null } | null;
}

function Place({ view, title, icon: Icon, current, count }: PlaceProps) {
  return (
    <li>
      <a className={styles.place} href={routeHref({ view })} aria-current={current ? 'page' : undefined} title={title}>
        <Icon size={16} strokeWidth={1.5} aria-hidden />
        <span className={styles.label}>{title}</span>
        {count && count.number > 0 && (
          <span className={styles.count}>
            {count.state && <StateGlyph state={count.state} size={12} />}
            {count.number}
          </span>
        )}
      </a>
    </li>
  );
}

/** How many of a list are failed, or need a person where none failed. */
function problems(states: readonly VisualState[]): PlaceProps['count'] {
  const failed = states.filter(state => state === 'failed').length;
  if (failed > 0) return { number: failed, state: 'failed' };
  const stale = states.filter(state => state === 'stale').length;
  return stale > 0 ? { number: stale, state: 'stale' } : null;
}

function Row({ name, href, children }: { readonly name: string; readonly href: string; readonly children: ReactNode }) {
  return (
    <a className={styles.row} href={href}>
      <span className={styles.key}>{name}</span>
      <span className={styles.value}>{children}</span>
    </a>
  );
}

function pollingWords({ polling }: EngineStatus, nowMs: number): string {
  if (polling.repositories === 0) return 'nothing to watch';
  if (polling.failing > 0) return `${polling.failing} of ${polling.repositories} failing`;
  if (polling.lastPollAtMs === null) return `${polling.repositories}, not seen yet`;
  return `${polling.repositories}, seen ${formatRelative(polling.lastPollAtMs, nowMs)}`;
}

/** Rates of both directions share the larger one's unit only where it is the same: each is written with its own otherwise. */
function rates(swarm: EngineStatus['swarm']): readonly [string, string] {
  const up = formatBytes(swarm.uploadBytesPerSecond);
  const down = `${formatBytes(swarm.downloadBytesPerSecond)}/s`;
  const unit = up.split(' ')[1];
  return [unit && down.endsWith(` ${unit}/s`) ? (up.split(' ')[0] ?? up) : up, down];
}

/** Looks at repositories are no events: how long ago the last was is asked for now and then. */
const askEveryMs = 10_000;

function Engine() {
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) queries.refetch('status');
    }, askEveryMs);
    return () => clearInterval(timer);
  }, []);
  const online = useStore(connection.state, state => state.kind);
  const status = useStatus().data;
  const nowMs = useNow();
  if (online !== 'online' || !status) {
    return (
      <div className={styles.engine}>
        <Row name="Engine" href="#/settings">
          <StateGlyph state={online === 'offline' ? 'stale' : 'pending'} size={12} label={null} />
          <span className={styles.words}>{online === 'offline' ? 'no connection' : 'connecting'}</span>
        </Row>
      </div>
    );
  }
  const { busy, total, mode } = status.workers;
  const [up, down] = rates(status.swarm);
  return (
    <div className={styles.engine}>
      <div className={styles.narrowOff}>
        <Row name="Polling" href="#/repositories">
          {status.polling.failing > 0 && <StateGlyph state="failed" size={12} />}
          <span className={styles.words}>{pollingWords(status, nowMs)}</span>
        </Row>
      </div>
      <Row name="Workers" href="#/jobs">
        {total <= mostSlots && (
          <span className={styles.slots} aria-hidden>
            {Array.from({ length: total }, (_, slot) => `worker ${slot + 1}`).map((slot, index) => (
              <span key={slot} className={classes(styles.slot, index < busy && styles.busy)} />
            ))}
          </span>
        )}
        {mode !== 'running' && <StateGlyph state="stale" size={12} label={null} />}
        <span className={styles.words}>{poolWords(status.workers)}</span>
      </Row>
      <div className={styles.narrowOff}>
        <Row name="Swarm" href="#/swarm">
          <ArrowUp size={12} strokeWidth={1.5} aria-label="up" />
          {up}
          <ArrowDown size={12} strokeWidth={1.5} aria-label="down" />
          {down}
        </Row>
      </div>
    </div>
  );
}

/** The rail. */
export function Rail({ route }: { readonly route: Route }) {
  const overview = useOverview().data;
  const regions = useRegions().data;
  const machines = useMachines().data;
  const rows = overview?.repositories ?? [];
  const troubled = troubledJobs(rows).map(job => (job.status === 'failed' ? 'failed' : 'stale') satisfies VisualState);
  const at = (view: PlaceView, ...others: ViewName[]) => route.view === view || others.includes(route.view);
  return (
    <nav className={styles.rail} aria-label="Main">
      <div className={styles.brand}>
        <Logo />
        <span className={styles.name}>Slipway</span>
      </div>
      <ul className={styles.places}>
        <Place view="overview" title="Overview" icon={TextAlignStart} current={at('overview')} />
        <Place
          view="repositories"
          title="Repositories"
          icon={GitBranch}
          current={at('repositories', 'repository')}
          count={{ number: rows.length, state: null }}
        />
        <Place view="jobs" title="Jobs" icon={ListChecks} current={at('jobs', 'job')} count={problems(troubled)} />
        <Place
          view="regions"
          title="Regions"
          icon={Globe}
          current={at('regions')}
          count={problems((regions ?? []).map(region => region.state))}
        />
        <Place view="swarm" title="Swarm" icon={Waypoints} current={at('swarm')} />
        <Place
          view="machines"
          title="Machines"
          icon={Server}
          current={at('machines')}
          count={problems((machines ?? []).map(machine => machine.state))}
        />
        <Place view="capacity" title="Capacity" icon={ChartNoAxesColumn} current={at('capacity')} />
        <Place view="settings" title="Settings" icon={SlidersHorizontal} current={at('settings')} />
      </ul>
      <Engine />
    </nav>
  );
}
