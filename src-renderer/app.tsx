/** Owns which view an address shows. */
import { CSPProvider } from '@base-ui/react/csp-provider';
import { lazy, Suspense } from 'react';
import { type Route, useRoute } from './state/route.ts';
import { ViewBoundary } from './ui/view-boundary.tsx';
import { JobsView } from './views/jobs/jobs-view.tsx';
import { MachinesView } from './views/machines/machines-view.tsx';
import { OverviewView } from './views/overview/overview-view.tsx';
import { RepositoriesView } from './views/repositories/repositories-view.tsx';
import { RepositoryView } from './views/repositories/repository-view.tsx';
import { SettingsView } from './views/settings/settings-view.tsx';
import { Shell } from './views/shell/shell.tsx';
import { SwarmView } from './views/swarm/swarm-view.tsx';

/** The terminal, the map and the plots are most of the code; the first paint does not wait for them. */
const JobView = lazy(() => import('./views/job/job-view.tsx').then(module => ({ default: module.JobView })));
const RegionsView = lazy(() =>
  import('./views/regions/regions-view.tsx').then(module => ({ default: module.RegionsView })),
);
const CapacityView = lazy(() =>
  import('./views/capacity/capacity-view.tsx').then(module => ({ default: module.CapacityView })),
);

function View({ route }: { readonly route: Route }) {
  switch (route.view) {
    case 'overview':
      return <OverviewView />;
    case 'repositories':
      return <RepositoriesView />;
    case 'repository':
      return <RepositoryView key={route.repositoryId} repositoryId={route.repositoryId} />;
    case 'jobs':
      return <JobsView />;
    case 'job':
      return <JobView key={route.jobId} jobId={route.jobId} />;
    case 'regions':
      return <RegionsView />;
    case 'swarm':
      return <SwarmView />;
    case 'machines':
      return <MachinesView />;
    case 'capacity':
      return <CapacityView />;
    case 'settings':
      return <SettingsView />;
  }
}

/** The whole interface. Style elements of the primitives are left out, since the page's policy allows none inline. */
export function App() {
  const route = useRoute();
  return (
    <CSPProvider disableStyleElements>
      <Shell route={route}>
        <ViewBoundary key={JSON.stringify(route)}>
          <Suspense>
            <View route={route} />
          </Suspense>
        </ViewBoundary>
      </Shell>
    </CSPProvider>
  );
}
