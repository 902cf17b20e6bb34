import { expect, it } from 'vitest';
import { DomainError } from '../../../src-main/contract/errors.ts';
import { createFollowUps } from '../../../src-main/releases/follow-up.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';

const busy = () => new DomainError('data.busy', 'It is locked.');

it('repeats what the database refuses for now, and begins the next when it is done', async () => {
  const done: string[] = [];
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const followUps = createFollowUps(silentLogger);
  let refusals = 2;
  followUps.add('first', async () => {
    done.push('first');
    refusals -= 1;
    if (refusals >= 0) throw busy();
  });
  followUps.add('broken', async () => {
    done.push('broken');
    throw new Error('a defect');
  });
  followUps.add('second', async () => {
    done.push('second');
    resolve();
  });
  await all;
  expect(done).toEqual(['first', 'first', 'first', 'broken', 'second']);
  await followUps.stop();
});

it('stops between two tries', async () => {
  const { promise: tried, resolve } = Promise.withResolvers<void>();
  const followUps = createFollowUps(silentLogger);
  followUps.add('refused', async () => {
    resolve();
    throw busy();
  });
  await tried;
  await followUps.stop();
  await followUps.stop();
});
