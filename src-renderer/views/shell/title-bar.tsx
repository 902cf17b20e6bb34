/** Owns the title bar: the current place, the way into the palette, notifications and theme. */
import { Contrast, Search } from 'lucide-react';
import { Fragment } from 'react';
import { client } from '../../client/client.ts';
import { shortcutWords } from '../../commands/command.ts';
import { isMac, runCommand } from '../../commands/registry.ts';
import { type Route, routeHref } from '../../state/route.ts';
import { useOverview } from '../../state/shared-queries.ts';
import { useQuery } from '../../state/use-query.ts';
import { IconButton } from '../../ui/button.tsx';
import { Notices } from './notices.tsx';
import styles from './title-bar.module.css';

interface Crumb {
  readonly words: string;
  readonly href: string | null;
}

const titles: Record<Exclude<Route['view'], 'repository' | 'job'>, string> = {
  overview: 'Overview',
  repositories: 'Repositories',
  jobs: 'Jobs',
  regions: 'Regions',
  swarm: 'Swarm',
  machines: 'Machines',
  capacity: 'Capacity',
  settings: 'Settings',
};

function useCrumbs(route: Route): readonly Crumb[] {
  const overview = useOverview().data;
  const jobId = route.view === 'job' ? route.jobId : '';
  const job = useQuery(`job:${jobId}`, () => client.jobs.get({ id: jobId }), ['job', 'build', 'replica', 'machine'], {
    jobId,
    enabled: jobId !== '',
  }).data;
  switch (route.view) {
    case 'repository': {
      const name = overview?.repositories.find(row => row.id === route.repositoryId)?.name;
      const list: Crumb = { words: titles.repositories, href: routeHref({ view: 'repositories' }) };
      return name ? [list, { words: name, href: null }] : [list];
    }
    case 'job': {
      const list: Crumb = { words: titles.jobs, href: routeHref({ view: 'jobs' }) };
      if (!job) return [list];
      const repository = routeHref({ view: 'repository', repositoryId: job.repositoryId });
      return [list, { words: job.repositoryName, href: repository }, { words: String(job.number), href: null }];
    }
    default:
      return [{ words: titles[route.view], href: null }];
  }
}

/** The title bar. Its place is the page's first heading. */
export function TitleBar({ route }: { readonly route: Route }) {
  const crumbs = useCrumbs(route);
  return (
    <header className={styles.bar}>
      <h1 className={styles.place}>
        {crumbs.map((crumb, index) => (
          <Fragment key={crumb.words}>
            {index > 0 && <span className={styles.slash}>/</span>}
            {crumb.href ? (
              <a className={styles.before} href={crumb.href}>
                {crumb.words}
              </a>
            ) : (
              crumb.words
            )}
          </Fragment>
        ))}
      </h1>
      <button type="button" className={styles.palette} onClick={() => runCommand('palette.open')}>
        <Search size={14} strokeWidth={1.5} aria-hidden />
        <span className={styles.paletteWords}>Find or do anything</span>
        <kbd className={styles.keys}>{shortcutWords('Mod+K', isMac)}</kbd>
      </button>
      <div className={styles.tools}>
        <Notices />
        <IconButton label="Switch between light and dark" onClick={() => runCommand('theme.toggle')}>
          <Contrast size={16} strokeWidth={1.5} aria-hidden />
        </IconButton>
      </div>
    </header>
  );
}
