/** Owns the address of every view: hash routes, read and written in one place. */
import { useSyncExternalStore } from 'react';

export type Route =
  | { readonly view: 'overview' }
  | { readonly view: 'repositories' }
  | { readonly view: 'repository'; readonly repositoryId: string }
  | { readonly view: 'jobs' }
  | { readonly view: 'job'; readonly jobId: string }
  | { readonly view: 'regions' }
  | { readonly view: 'swarm' }
  | { readonly view: 'machines' }
  | { readonly view: 'capacity' }
  | { readonly view: 'settings' };

export type ViewName = Route['view'];

const idPattern = /^[0-9a-f-]{36}$/;

/** The route of a hash; null where it names none. */
export function parseRoute(hash: string): Route | null {
  const [view = '', id, ...rest] = hash.replace(/^#\/?/, '').replace(/\?.*$/, '').split('/');
  if (rest.length > 0 || (id !== undefined && !idPattern.test(id))) return null;
  if (id !== undefined) {
    if (view === 'repositories') return { view: 'repository', repositoryId: id };
    if (view === 'jobs') return { view: 'job', jobId: id };
    return null;
  }
  switch (view) {
    case '':
      return { view: 'overview' };
    case 'overview':
    case 'repositories':
    case 'jobs':
    case 'regions':
    case 'swarm':
    case 'machines':
    case 'capacity':
    case 'settings':
      return { view };
    default:
      return null;
  }
}

/** The address of a route: `#/jobs/0198…`. */
export function routeHref(route: Route): string {
  switch (route.view) {
    case 'repository':
      return `#/repositories/${route.repositoryId}`;
    case 'job':
      return `#/jobs/${route.jobId}`;
    default:
      return `#/${route.view}`;
  }
}

/** Goes to a route; the browser's back button leads back. */
export function navigate(route: Route): void {
  location.hash = routeHref(route);
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

/** The route that is shown; an address that names none shows the overview. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return parseRoute(hash) ?? { view: 'overview' };
}
