/** Owns the installation that screenshots show: a real engine with real repositories in every state that a person meets. */
import { mkdir, mkdtemp, realpath, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type LongCommand, slipway, startSlipway } from '../support/cli.ts';
import { type GitServer, git, startGitServer } from '../support/git-server.ts';

const places = [
  ['Hamina', 'europe-north1', 60.57, 27.2],
  ['N. Virginia', 'us-east1', 38.9, -77.4],
  ['Oregon', 'us-west1', 45.6, -121.18],
  ['São Paulo', 'southamerica-east1', -23.53, -46.62],
  ['Singapore', 'asia-southeast1', 1.35, 103.82],
  ['Tokyo', 'asia-northeast1', 35.69, 139.69],
  ['Sydney', 'australia-southeast1', -33.87, 151.21],
] as const;

const goodBuild = `
import { mkdirSync, writeFileSync } from 'node:fs';
import { randomFillSync, createHash } from 'node:crypto';
mkdirSync('dist', { recursive: true });
let block = Buffer.from('KEY');
const parts = [];
for (let n = 0; n < 60000; n += 1) { block = createHash('sha256').update(block).digest(); parts.push(block); }
writeFileSync('dist/app.bin', Buffer.concat(parts));
writeFileSync('dist/index.html', '<h1>KEY</h1>');
console.log('\\u001b[32m✓\\u001b[0m bundled KEY, 61 modules');
`;
const pipeline = (steps: string) => `steps:\n${steps}artifact:\n  - dist\n`;
const step = (name: string, run: string) => `  - name: ${name}\n    run: ${run}\n`;

const failingTest = `
import { writeFileSync } from 'node:fs';
const passed = Array.from({ length: 40 }, (_, n) => '<testcase classname="refunds" name="refund case ' + (n + 1) + '" time="' + (21 + n) / 1000 + '"/>').join('');
const failed = '<testcase classname="partial refunds" name="keeps the fee when two refunds race" time="5.002"><failure message="Test timed out in 5000ms.">Error: Test timed out in 5000ms.\\n    at race (test/refunds.test.mjs:41:11)\\n    at settle (lib/ledger.mjs:118:5)</failure></testcase>';
writeFileSync('junit.xml', '<testsuite>' + passed + failed + '</testsuite>');
for (let n = 1; n <= 40; n += 1) console.log('\\u001b[32m✓\\u001b[0m refund case ' + n + ' \\u001b[90m' + (20 + n) + 'ms\\u001b[0m');
console.log('\\u001b[31m✗ partial refunds > keeps the fee when two refunds race\\u001b[0m');
console.log('\\u001b[31mError: Test timed out in 5000ms.\\u001b[0m');
process.exit(1);
`;
const longBuild = `
for (let n = 1; ; n += 1) { console.log('compiling unit ' + n); await new Promise(r => setTimeout(r, 400)); }
`;

const idSchema = z.object({ id: z.string() });
const pairingSchema = z.object({ secret: z.string() });
const statusSchema = z.object({ rootPublicKey: z.string() });

export interface ScreenshotWorld {
  readonly url: string;
  readonly repositoryId: string;
  readonly failedJob: string;
  readonly goodJob: string;
  readonly runningJob: string;
  stop(): Promise<void>;
}

/** Builds the world, through public commands alone. Takes about a minute. */
export async function createScreenshotWorld(): Promise<ScreenshotWorld> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'slipway-screenshots-'));
  const data = join(folder, 'data');
  const server = await startGitServer();
  const running: LongCommand[] = [];
  const stop = async () => {
    for (const command of running.reverse()) await command.stop();
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const json = async <Shape extends z.ZodType>(shape: Shape, ...args: string[]): Promise<z.output<Shape>> => {
    const outcome = await slipway([...args, '--json', '--data', data]);
    if (outcome.exitCode !== 0) throw new Error(`slipway ${args.join(' ')}: ${outcome.stderr}`);
    return shape.parse(JSON.parse(outcome.stdout));
  };
  try {
    const host = startSlipway(['serve', '--port', '0', '--workers', '2', '--data', data]);
    running.push(host);
    const [, url = ''] = await host.line(/Slipway runs at (\S+)/);
    const regionIds = new Map<string, string>();
    for (const [name, location, latitude, longitude] of places) {
      const store = join(folder, 'regions', location);
      await mkdir(store, { recursive: true });
      const region = await json(
        idSchema,
        ...['region', 'add', name, '--store', store, '--location', location],
        ...['--latitude', String(latitude), `--longitude=${longitude}`],
      );
      regionIds.set(name, region.id);
    }

    const bookings = await addRepository(server, json, 'booking-web', ['Cache fare lookups per sailing']);
    const { rootPublicKey } = await json(statusSchema, 'status');
    for (const [index, [name, location]] of places.slice(0, 3).entries()) {
      const machine = `${location.split('-')[0]}-app-${index + 1}`;
      const { secret } = await json(pairingSchema, 'machine', 'pair', 'booking-web', machine, '--region', name);
      running.push(
        startSlipway([
          ...['agent', '--store', join(folder, 'regions', location), '--repository', bookings.id],
          ...['--channel', 'production', '--root', join(folder, 'machines', machine), '--key', rootPublicKey],
          ...['--pair', secret, '--name', machine, '--region', name, '--interval', '1'],
        ]),
      );
    }
    await json(z.unknown(), 'release', 'promote', 'booking-web');
    await bookings.commit({ 'build.mjs': goodBuild.replaceAll('KEY', 'seat map') }, 'Seat map works from the keyboard');
    await json(z.unknown(), 'repo', 'poll', 'booking-web');
    const goodJob = await waitForJob(json, 'booking-web', 'succeeded');
    await json(z.unknown(), 'release', 'promote', 'booking-web');

    await addRepository(server, json, 'checkin-kiosk', ['Larger touch targets on boarding passes']);
    // A disk that was unmounted, and a region that a person paused.
    await rename(join(folder, 'regions', 'southamerica-east1'), join(folder, 'unmounted'));
    await json(z.unknown(), 'region', 'pause', regionIds.get('Sydney') ?? '');
    await addRepository(server, json, 'timetable', ['Winter sailings 2027, 31 new harbours']);
    await addRepository(
      server,
      json,
      'payments-gateway',
      ['Round partial refunds half-even'],
      {
        'test.mjs': failingTest,
        'slipway.yml': `env: { LEDGER: eu }\n${pipeline(step('Bundle', 'node build.mjs') + step('Test', 'node test.mjs'))}`,
      },
      'failed',
    );
    const failedJob = await waitForJob(json, 'payments-gateway', 'failed');
    for (const [name, subject] of [
      ['edge-proxy', 'Accept TLS 1.3 only'],
      ['crew-roster', 'Rest-time rule for night crossings'],
      ['fares', 'Child fares on night crossings'],
    ] as const) {
      await addRepository(
        server,
        json,
        name,
        [subject],
        {
          'long.mjs': longBuild,
          'slipway.yml': pipeline(step('Compile arm64', 'node long.mjs')),
        },
        'any',
      );
    }
    const runningJob = await waitForJob(json, 'edge-proxy', 'running');
    return { url, repositoryId: bookings.id, failedJob, goodJob, runningJob, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Json = <Shape extends z.ZodType>(shape: Shape, ...args: string[]) => Promise<z.output<Shape>>;

async function addRepository(
  server: GitServer,
  json: Json,
  name: string,
  subjects: readonly string[],
  files: Readonly<Record<string, string>> = {},
  outcome: 'succeeded' | 'failed' | 'any' = 'succeeded',
) {
  const repository = await server.createRepository(name);
  await git(repository.folder, 'config', 'user.name', 'Priya Raman');
  for (const subject of subjects) {
    const build = goodBuild.replaceAll('KEY', `${name} ${subject}`);
    await repository.commit(
      { 'build.mjs': build, 'slipway.yml': pipeline(step('Bundle', 'node build.mjs')), ...files },
      subject,
    );
  }
  const { id } = await json(idSchema, 'repo', 'add', repository.url);
  if (outcome !== 'any') await waitForJob(json, name, outcome);
  return { id, commit: repository.commit };
}

/** Waits for the newest job of a repository; its id. */
async function waitForJob(json: Json, repository: string, outcome: string): Promise<string> {
  const jobs = z.array(z.object({ id: z.string(), status: z.string(), number: z.number() }));
  for (;;) {
    const [job] = await json(jobs, 'job', 'list', '--repository', repository, '--limit', '1');
    if (job?.status === outcome) return job.id;
    if (job && job.status !== 'queued' && job.status !== 'running') throw new Error(`${repository}: job ${job.status}`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}
