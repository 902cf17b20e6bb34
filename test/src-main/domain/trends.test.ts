/** Jobs and bytes over time. */
import { expect, it } from 'vitest';
import { dayMs, hourMs, trendsOf } from '../../../src-main/domain/trends.ts';

const at = (hours: number) => 20_000 * dayMs + hours * hourMs;
const job = (endHour: number, buildMinutes: number, more: { succeeded?: boolean; waitMinutes?: number } = {}) => {
  const finishedAt = at(endHour);
  const startedAt = finishedAt - buildMinutes * 60_000;
  return {
    succeeded: more.succeeded ?? true,
    finishedAt,
    startedAt,
    queuedAt: startedAt - (more.waitMinutes ?? 0) * 60_000,
  };
};

it('puts jobs into the day in which they ended, and keeps days without any', () => {
  const jobs = [job(1, 2), job(2, 4, { waitMinutes: 6 }), job(3, 90, { succeeded: false }), job(49, 1)];
  const traffic = [{ day: 20_001, bytesSent: 7, bytesRead: 3 }];
  const points = trendsOf(jobs, traffic, { from: at(0), to: at(50), every: 'day' });
  expect(points.map(({ atMs }) => atMs)).toEqual([at(0), at(24), at(48)]);
  expect(points[0]).toEqual({
    atMs: at(0),
    succeeded: 2,
    failed: 1,
    medianBuildMs: 120_000,
    p95BuildMs: 240_000,
    medianWaitMs: 0,
    p95WaitMs: 360_000,
    bytesSent: 0,
    bytesRead: 0,
  });
  expect(points[1]).toMatchObject({ succeeded: 0, medianBuildMs: null, bytesSent: 7, bytesRead: 3 });
  expect(points[2]).toMatchObject({ succeeded: 1 });
});

it('counts no bytes by the hour, and no time of a job that never began', () => {
  const never = { succeeded: false, startedAt: null, queuedAt: at(1), finishedAt: at(1) };
  const points = trendsOf([never], [], { from: at(0), to: at(1), every: 'hour' });
  expect(points).toHaveLength(2);
  expect(points[1]).toMatchObject({ failed: 1, medianWaitMs: null, bytesSent: null });
});
