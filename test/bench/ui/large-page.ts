/** Owns the measures of the interface over a large installation: first paint, view changes, scrolling, memory. */
import type { Browser, Page } from 'playwright-core';
import { type BenchOptions, minRuns, type Row, rowOf } from '../bench.ts';
import { showBareList } from './bare-list.ts';
import { counts } from './large-installation.ts';
import { frameTimes, pageMemoryBytes, percentile, scrollBy } from './trace.ts';

const viewport = { width: 1440, height: 900 };
const rowHeight = 33;
const scrollPixelsPerSecond = 6_000;

/** Each view with what is there once it shows its data. */
const views = [
  ['#/repositories', 'a[href^="#/repositories/"]'],
  ['#/jobs', 'tr[aria-rowindex="2"]'],
  ['#/machines', 'section[aria-label="Machines"] table'],
  ['#/regions', 'section[aria-label="Regions"] table'],
  ['#/swarm', '#root main h2'],
  ['#/settings', '#root main h2'],
  ['#/capacity', '#root main h2'],
  ['#/overview', '[data-board-row]'],
] as const;

/** Milliseconds from the start of a navigation to the first paint, and to the first rows of the board. */
async function firstPaint(browser: Browser, url: string): Promise<readonly [paint: number, rows: number]> {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (!document.querySelector('[data-board-row]')) return;
      observer.disconnect();
      requestAnimationFrame(() => performance.mark('rows'));
    }).observe(document, { childList: true, subtree: true });
  });
  await page.goto(url);
  await page.waitForFunction(() => performance.getEntriesByName('rows').length > 0);
  const times = await page.evaluate(
    () =>
      [
        performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
        performance.getEntriesByName('rows')[0]?.startTime ?? 0,
      ] as const,
  );
  await context.close();
  return times;
}

/** Milliseconds from the change of the address to the frame that shows the view with its data. */
function changeTo(page: Page, hash: string, selector: string): Promise<number> {
  return page.evaluate(
    ([to, wanted]) =>
      new Promise<number>(resolve => {
        const main = document.querySelector('main');
        const before = main?.firstElementChild;
        const startedAt = performance.now();
        location.hash = to;
        const look = () => {
          const there =
            document.querySelector(wanted) !== null && document.querySelector('main')?.firstElementChild !== before;
          // The message comes after the frame of this callback was painted.
          if (there) {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => resolve(performance.now() - startedAt);
            port2.postMessage(null);
          } else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
      }),
    [hash, selector] as const,
  );
}

export async function measureLargePage(browser: Browser, url: string, options: BenchOptions): Promise<readonly Row[]> {
  const paints: (readonly [number, number])[] = [];
  for (let run = 0; run < minRuns; run += 1) paints.push(await firstPaint(browser, url));
  options.say(
    `first paint ${paints.map(([paint, rows]) => `${Math.round(paint)}, rows ${Math.round(rows)}`).join('; ')} ms`,
  );

  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  await page.goto(url);
  await page.locator('[data-board-row]').first().waitFor();
  const firstVisits: number[] = [];
  for (const [hash, selector] of views) firstVisits.push(await changeTo(page, hash, selector));
  options.say(`first visits: ${firstVisits.map((ms, at) => `${views[at]?.[0]} ${Math.round(ms)}`).join(', ')} ms`);
  const changes = new Map<string, number[]>(views.map(([hash]) => [hash, []]));
  for (let run = 0; run < (options.quick ? minRuns : 10); run += 1) {
    for (const [hash, selector] of views) changes.get(hash)?.push(await changeTo(page, hash, selector));
  }
  const slowest = [...changes].map(([hash, times]) => ({ hash, median: percentile(times, 0.5), times }));
  slowest.sort((left, right) => right.median - left.median);
  options.say(`changes: ${slowest.map(({ hash, median }) => `${hash} ${Math.round(median)}`).join(', ')} ms`);

  const distance = options.quick ? 20_000 : 200_000;
  const scroll = () => frameTimes(page, session => scrollBy(session, distance, scrollPixelsPerSecond));
  const [ours, bare]: [number[], number[]] = [[], []];
  let memory = 0;
  for (let run = 0; run < minRuns; run += 1) {
    await page.goto(url);
    await page.locator('[data-board-row]').first().waitFor();
    await changeTo(page, '#/jobs', 'tr[aria-rowindex="2"]');
    ours.push(...(await scroll()));
    memory = Math.max(memory, await pageMemoryBytes(browser, page));
    await page.goto('about:blank');
    await showBareList(page, counts.jobs, rowHeight);
    bare.push(...(await scroll()));
  }
  await context.close();
  const peer = 'a bare virtual list of the same length';
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return [
    rowOf({ name: 'first paint', unit: 'ms', ours: paints.map(([paint]) => paint), atMost: 1_000 }),
    rowOf({
      name: 'first paint with the rows of the board',
      unit: 'ms',
      ours: paints.map(([, rows]) => rows),
      atMost: 1_000,
    }),
    rowOf({
      name: `view change, ${slowest[0]?.hash} (the slowest)`,
      unit: 'ms',
      ours: slowest[0]?.times ?? [],
      atMost: 100,
    }),
    rowOf({ name: 'view change, all', unit: 'ms', ours: slowest.flatMap(({ times }) => times), atMost: 100 }),
    rowOf({ name: 'first visit of a view, its code and data fetched', unit: 'ms', ours: firstVisits }),
    rowOf({
      ...{ name: 'scrolling the jobs, time of a frame', unit: 'ms', ours: [mean(ours)] },
      ...{ peer: { name: peer, values: [mean(bare)] }, ratioAtMost: 1.2 },
    }),
    rowOf({
      ...{ name: 'scrolling the jobs, 95 % of the frames within', unit: 'ms', ours: [percentile(ours, 0.95)] },
      ...{ peer: { name: peer, values: [percentile(bare, 0.95)] }, ratioAtMost: 1.2 },
    }),
    rowOf({ name: 'memory of the page after scrolling', unit: 'MB', ours: [memory / 1e6], atMost: 250 }),
  ];
}
