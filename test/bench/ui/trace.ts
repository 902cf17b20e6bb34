/** Owns what Chromium tells over the DevTools protocol: the frames that were drawn, and the memory of the page's process. */
import { readFile } from 'node:fs/promises';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { z } from 'zod';

/** Source: Chromium's `devtools.timeline.frame`: a `DrawFrame` for each frame that the compositor showed; `ts` in microseconds. */
const eventSchema = z.object({ name: z.string(), ts: z.number(), pid: z.number().optional() });

/** Times between the frames that were drawn while `work` ran, in milliseconds. */
export async function frameTimes(page: Page, work: (session: CDPSession) => Promise<void>): Promise<readonly number[]> {
  const session = await page.context().newCDPSession(page);
  const drawnAt: number[] = [];
  session.on('Tracing.dataCollected', ({ value }) => {
    for (const raw of value) {
      const event = eventSchema.safeParse(raw);
      if (event.success && event.data.name === 'DrawFrame') drawnAt.push(event.data.ts / 1_000);
    }
  });
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: {
      includedCategories: [
        'disabled-by-default-devtools.timeline',
        'disabled-by-default-devtools.timeline.frame',
        'devtools.timeline.frame',
      ],
    },
  });
  await work(session);
  const complete = new Promise<void>(resolve => session.once('Tracing.tracingComplete', () => resolve()));
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  drawnAt.sort((left, right) => left - right);
  return drawnAt.slice(1).map((at, index) => at - (drawnAt[index] ?? at));
}

/** Scrolls what lies in the middle of the page as a wheel does, and waits for its end. */
export async function scrollBy(session: CDPSession, distance: number, pixelsPerSecond: number): Promise<void> {
  await session.send('Input.synthesizeScrollGesture', {
    ...{ x: 700, y: 500, yDistance: -distance, speed: pixelsPerSecond },
    ...{ preventFling: true, gestureSourceType: 'mouse' },
  });
}

/** Private memory of the page's process in bytes; where the system does not tell, the JavaScript heap alone. */
export async function pageMemoryBytes(browser: Browser, page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.enable');
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  const whole = await browser.newBrowserCDPSession();
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo');
  await whole.detach();
  const renderers = processInfo.filter(process => process.type === 'renderer');
  const sizes = await Promise.all(
    renderers.map(async ({ id }) => {
      const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '');
      return Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
    }),
  );
  return Math.max(usedSize, ...sizes);
}

/** The value that this share of the values does not pass. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
