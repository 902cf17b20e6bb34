import { describe, expect, it, onTestFinished } from 'vitest';
import type { EngineEvent, Push } from '../../../src-main/contract/events.ts';
import { createEventFeed, type EventFeed } from '../../../src-main/database/event-feed.ts';
import { appendEvent } from '../../../src-main/database/events.ts';
import { type Db, inTransaction } from '../../../src-main/database/open-database.ts';
import { silentLogger } from '../../../src-main/telemetry/logger.ts';
import { testDatabase } from '../../support/database-fixtures.ts';

async function append(db: Db, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) await appendEvent(db, { type: 'worker.changed', at: index });
}

/** The same in one transaction, which is faster where it does not matter who sees them when. */
async function appendAtOnce(db: Db, count: number): Promise<void> {
  await inTransaction(db, transaction => append(transaction, count));
}

async function startFeed(db: Db): Promise<EventFeed> {
  const feed = createEventFeed(db, silentLogger);
  await feed.start();
  onTestFinished(() => feed.stop());
  return feed;
}

/** Reads cursors until `last` came. */
async function readUntil(stream: AsyncGenerator<Push, void>, last: number): Promise<number[]> {
  const cursors: number[] = [];
  for await (const push of stream) {
    if (push.kind !== 'event') continue;
    cursors.push(push.event.cursor);
    if (push.event.cursor >= last) break;
  }
  return cursors;
}

const upTo = (from: number, last: number) => Array.from({ length: last - from + 1 }, (_, index) => from + index);

describe('the event feed', () => {
  it('gives a late subscriber everything after its cursor once, while another connection writes on', async () => {
    const { db, connect } = await testDatabase();
    await appendAtOnce(db, 700);
    const feed = await startFeed(db);
    const stream = feed.subscribe(100, new AbortController().signal);
    const reading = readUntil(stream, 800);
    await append(connect(), 100);
    feed.nudge();
    expect(await reading).toEqual(upTo(101, 800));
  });

  it('gives a subscriber without a cursor only what comes from now on', async () => {
    const { db } = await testDatabase();
    await append(db, 5);
    const feed = await startFeed(db);
    const stream = feed.subscribe(null, new AbortController().signal);
    const reading = readUntil(stream, 7);
    await append(db, 2);
    feed.nudge();
    expect(await reading).toEqual([6, 7]);
  });

  it('keeps a slow reader whole though it buffers no more than a thousand events', async () => {
    const { db } = await testDatabase();
    const feed = await startFeed(db);
    const stream = feed.subscribe(0, new AbortController().signal);
    await append(db, 1);
    feed.nudge();
    expect((await stream.next()).value).toMatchObject({ event: { cursor: 1 } });
    // Nobody reads while these come in and the buffer overflows.
    const seen = new Promise<void>(resolve => feed.onEvent(event => event.cursor === 2_500 && resolve()));
    await appendAtOnce(db, 2_499);
    feed.nudge();
    await seen;
    expect(await readUntil(stream, 2_500)).toEqual(upTo(2, 2_500));
  });

  it('calls a listener for every event in order, once', async () => {
    const { db, connect } = await testDatabase();
    const feed = await startFeed(db);
    const events: EngineEvent[] = [];
    const done = new Promise<void>(resolve =>
      feed.onEvent(event => {
        events.push(event);
        if (event.cursor === 50) resolve();
      }),
    );
    const other = connect();
    for (let index = 0; index < 50; index += 1) {
      await append(index % 2 === 0 ? db : other, 1);
      feed.nudge();
    }
    await done;
    expect(events.map(event => event.cursor)).toEqual(upTo(1, 50));
  });

  it('notices by itself what another process wrote', async () => {
    const { db, connect } = await testDatabase();
    const feed = await startFeed(db);
    const seen = new Promise<EngineEvent>(resolve => feed.onEvent(resolve));
    await append(connect(), 1);
    expect(await seen).toMatchObject({ cursor: 1, type: 'worker.changed' });
  });

  it('passes pulses on, and ends with its signal', async () => {
    const { db } = await testDatabase();
    const feed = await startFeed(db);
    const abort = new AbortController();
    const stream = feed.subscribe(null, abort.signal);
    const first = stream.next();
    feed.pulse('log', 'job-1');
    expect((await first).value).toEqual({ kind: 'pulse', topic: 'log', subjectId: 'job-1' });
    const last = stream.next();
    abort.abort();
    expect(await last).toEqual({ done: true, value: undefined });
  });
});
