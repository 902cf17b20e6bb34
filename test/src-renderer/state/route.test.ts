/** Tests the addresses of views. */
import { expect, it } from 'vitest';
import { parseRoute, type Route, routeHref } from '../../../src-renderer/state/route.ts';

const id = '0198f3a0-1111-7222-8333-444455556666';

it.each<Route>([
  { view: 'overview' },
  { view: 'repositories' },
  { view: 'repository', repositoryId: id },
  { view: 'jobs' },
  { view: 'job', jobId: id },
  { view: 'regions' },
  { view: 'swarm' },
  { view: 'machines' },
  { view: 'settings' },
])('$view survives being written and read', route => expect(parseRoute(routeHref(route))).toEqual(route));

it.each(['#/nothing', '#/jobs/../../etc', `#/jobs/${id}/more`, `#/regions/${id}`, '#token=abc', '#/jobs/<b>'])(
  '%s names no view',
  hash => expect(parseRoute(hash)).toBeNull(),
);

it('shows the overview without a hash', () => expect(parseRoute('')).toEqual({ view: 'overview' }));
