/** Owns the measures of a job's log in a real browser: how far behind the page follows it, what that costs, and its search. */
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { slipway } from '../../support/cli.ts';
import { startGitServer } from '../../support/git-server.ts';
import { type BenchOptions, minRuns, type Row, rowOf } from '../bench.ts';
import { percentile } from './trace.ts';

const linesPerSecond = 10_000;
const longLines = 1_000_000;

/** Says the time of each line when it writes it; what the machine withheld is written at once, as a real build would. */
const writer = (seconds: number) => `
const start = Date.now();
let written = 0;
while (written < ${seconds * linesPerSecond}) {
  const due = Math.min(${seconds * linesPerSecond}, Math.floor((Date.now() - start) * ${linesPerSecond / 1_000}));
  let text = '';
  for (; written < due; written += 1) text += '@' + Date.now() + ' line ' + (written + 1) + ' compiled src/module.c\\n';
  if (text && !process.stdout.write(text)) await new Promise(done => process.stdout.once('drain', done));
  await new Promise(done => setTimeout(done, 10));
}
`;
const longWriter = `
let lines = '';
for (let n = 1; n <= ${longLines}; n += 1) {
  lines += 'unit ' + n + (n === 654_321 ? ' the NEEDLE of the stack' : ' compiled') + '\\n';
  if (lines.length > 500_000) { if (!process.stdout.write(lines)) await new Promise(done => process.stdout.once('drain', done)); lines = ''; }
}
process.stdout.write(lines);
`;
const pipeline = 'isolation: none\nsteps:\n  - { name: Units, run: node build.mjs }\nartifact: [build.mjs]\n';
const jobSchema = z.object({ id: z.string(), status: z.string() });

async function showJob(page: Page, data: string, number: string): Promise<void> {
  const { id } = await jobOf(data, number);
  await page.evaluate(job => {
    location.hash = `#/jobs/${job}`;
  }, id);
}

async function jobOf(data: string, number: string): Promise<z.output<typeof jobSchema>> {
  const { stdout } = await slipway(['job', 'show', number, '--json', '--data', data]);
  return jobSchema.parse(JSON.parse(stdout));
}

async function addJob(data: string, server: Awaited<ReturnType<typeof startGitServer>>, name: string, build: string) {
  const repository = await server.createRepository(name);
  await repository.commit({ 'build.mjs': build, 'slipway.yml': pipeline }, name);
  const added = await slipway(['repo', 'add', repository.url, '--data', data]);
  if (added.exitCode !== 0) throw new Error(added.stderr);
}

/** Watches the newest line in sight at every frame until the job's last, and the tasks that held the main thread meanwhile. */
function follow(
  page: Page,
  lastLine: number,
): Promise<{ readonly behind: number[]; readonly long: number; readonly ms: number }> {
  return page.evaluate(
    last =>
      new Promise(resolve => {
        const behind: number[] = [];
        let long = 0;
        const observer = new PerformanceObserver(list => {
          for (const entry of list.getEntries()) long += entry.duration;
        });
        observer.observe({ entryTypes: ['longtask'] });
        let startedAt = 0;
        const look = () => {
          const rows = [...document.querySelectorAll('.xterm-rows > div')];
          const ended = /Built and stored/.test(document.querySelector('main h2')?.textContent ?? '');
          const found = rows
            .map(row => /@(\d+)\sline\s(\d+)\s/.exec(row.textContent ?? ''))
            .findLast(match => match !== null);
          if (found) {
            startedAt ||= performance.now();
            // What is said after the last line may have moved it out of sight.
            if (Number(found[2]) >= last || ended) {
              observer.disconnect();
              resolve({ behind, long, ms: performance.now() - startedAt });
              return;
            }
            behind.push(Date.now() - Number(found[1]));
          }
          requestAnimationFrame(look);
        };
        look();
      }),
    lastLine,
  );
}

/** Milliseconds from the last key of a search over the whole log to its answer. */
async function search(page: Page): Promise<number> {
  await page.locator('body').press('/');
  const field = page.getByRole('textbox', { name: 'Search the whole log' });
  await field.fill('needle of th');
  await page.getByText('1 of 1', { exact: true }).waitFor();
  await field.fill('');
  await page.getByText('1 of 1', { exact: true }).waitFor({ state: 'detached' });
  await page.evaluate(() => {
    new MutationObserver((_, observer) => {
      if (!/1 of 1(?!\d)/.test(document.querySelector('main')?.textContent ?? '')) return;
      observer.disconnect();
      performance.mark('found');
    }).observe(document.body, { childList: true, subtree: true, characterData: true });
    performance.clearMarks();
    document.addEventListener('input', () => performance.mark('asked'), { once: true });
  });
  await field.fill('needle of');
  await page.waitForFunction(() => performance.getEntriesByName('found').length > 0);
  const ms = await page.evaluate(
    () =>
      (performance.getEntriesByName('found')[0]?.startTime ?? 0) -
      (performance.getEntriesByName('asked')[0]?.startTime ?? 0),
  );
  await field.press('Escape');
  return ms;
}

/** `data` is the folder of an engine with one worker that runs at `url`. */
export async function measureLogPage(
  browser: Browser,
  { data, url }: { readonly data: string; readonly url: string },
  options: BenchOptions,
): Promise<readonly Row[]> {
  const server = await startGitServer();
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(240_000);
    await page.goto(url);
    const seconds = options.quick ? 15 : 60;
    await addJob(data, server, 'chatter', writer(seconds));
    await showJob(page, data, '1');
    const followed = await follow(page, seconds * linesPerSecond);
    options.say(`followed for ${Math.round(followed.ms / 1_000)} s, ${followed.behind.length} frames`);
    const { stdout } = await slipway(['job', 'log', '1', '--data', data]);
    const numbers = [...stdout.matchAll(/^@\d+ line (\d+) /gm)].map(found => Number(found[1]));
    const inOrder = numbers.filter((number, index) => number === index + 1).length;

    await addJob(data, server, 'stack', longWriter);
    await slipway(['job', 'wait', '2', '--data', data]);
    await showJob(page, data, '2');
    await page.getByText(/^1,000,0\d\d lines, /).waitFor();
    const searches: number[] = [];
    for (let run = 0; run < minRuns; run += 1) searches.push(await search(page));
    return [
      rowOf({
        name: 'log followed, behind the writer, median frame',
        unit: 'ms',
        ours: [percentile(followed.behind, 0.5)],
        atMost: 200,
      }),
      rowOf({
        name: 'log followed, behind the writer, 95 % of the frames',
        unit: 'ms',
        ours: [percentile(followed.behind, 0.95)],
        atMost: 200,
      }),
      rowOf({
        name: 'main thread in long tasks meanwhile',
        unit: '%',
        ours: [(100 * followed.long) / followed.ms],
        atMost: 10,
      }),
      rowOf({
        name: 'lines of the log in their order',
        unit: `of ${seconds * linesPerSecond}`,
        ours: [inOrder],
        atLeast: seconds * linesPerSecond,
      }),
      rowOf({ name: 'search over 1,000,000 lines', unit: 'ms', ours: searches, atMost: 1_000 }),
    ];
  } finally {
    await context.close();
    await server.stop();
  }
}
