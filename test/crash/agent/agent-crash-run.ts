/** Owns one crash history of an agent: it is killed again and again while releases come, and what it left is looked at each time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Migration } from '../../../src-main/contract/activation.ts';
import { type Pointer, storeKeys } from '../../../src-main/contract/documents.ts';
import { healthCheckSchema } from '../../../src-main/contract/plan.ts';
import { signMigration } from '../../../src-main/releases/migration-record.ts';
import { createInstallation, type Installation } from '../../support/agent-fixtures.ts';
import { createRandom } from '../random.ts';

const files = 4;
/** A look that brings a release makes 150 to 210 calls; beyond its last, it ends unharmed and is no kill. */
const pointsOfLook = 210;
const migrations: Migration[] = [
  { id: 'm', name: 'Migrate', run: 'true', env: {}, timeoutMs: 10_000, idempotent: true },
];

export interface AgentCrashReport {
  readonly kills: number;
  readonly releases: number;
  /** Where it died, by call, the most frequent first. */
  readonly places: readonly (readonly [string, number])[];
  /** What was wrong, and after which kill. Empty: every promise held. */
  readonly violations: readonly string[];
}

async function publish(at: Installation, serial: number): Promise<Pointer> {
  const content = Object.fromEntries(Array.from({ length: files }, (_, index) => [`part-${index}.txt`, `${serial}`]));
  const isOverlap = serial % 3 === 0;
  const environmentDigest = await at.putEnvironment({ RELEASE: `${serial}` });
  const { pointer } = await at.publish(serial, content, {
    environmentDigest,
    start: 'exec sleep 600',
    health: healthCheckSchema.parse({ command: 'test "$RELEASE" = "$(cat part-0.txt)"', attempts: 1 }),
    activation: { mode: isOverlap ? 'overlap' : 'restart', drainMs: 0, hook: null, shared: ['uploads'] },
    ...(serial % 2 === 0 ? { migrations } : {}),
  });
  if (pointer.migrations === undefined) return pointer;
  const { repositoryId, channel, releaseId } = pointer;
  const bytes = signMigration(
    {
      type: 'slipway.migration/v1',
      ...{ repositoryId, channel, releaseId, serial },
      ...{ state: 'pending', token: 0, machineId: null, beat: 0, leaseMs: 60_000, message: null, changedAtMs: 1 },
    },
    at.release,
  );
  await at.store.put(storeKeys.migration(repositoryId, releaseId), { kind: 'bytes', bytes });
  return pointer;
}

/** What `current` is: nothing, or one release with every file of it. A mixture is thrown. */
async function currentSerial(root: string): Promise<number | null> {
  const target = await readlink(join(root, 'current')).catch(() => null);
  if (target === null) return null;
  const contents = await Promise.all(
    Array.from({ length: files }, (_, index) => readFile(join(root, 'current', `part-${index}.txt`), 'utf8')),
  );
  const [first] = contents;
  if (first === undefined || contents.some(content => content !== first)) throw new Error(`mixed: ${contents.join()}`);
  return Number(first);
}

/**
 * Kills an agent `kills` times in `folder`'s installation: one release after another, each at every call in turn or, every third time, at a
 * random moment. After each kill `current` is the old release or the new one, whole; started again, the agent comes to the new one by itself.
 */
export async function runAgentCrashes(options: {
  readonly kills: number;
  readonly seed: number;
  readonly onProgress?: (text: string) => void;
}): Promise<AgentCrashReport> {
  const { kills, seed, onProgress = () => undefined } = options;
  const random = createRandom(seed);
  const at = await createInstallation();
  const places = new Map<string, number>();
  const violations: string[] = [];
  const { agent, root } = await at.pairedAgent('web-1', { supervise: true });
  await agent.stop();
  const countFile = join(at.folder, 'killed-at');
  // The program is the same each time: most of a start is making JavaScript of it.
  const cache = join(at.folder, 'compiled');
  const argument = JSON.stringify({
    storeFolder: at.storeFolder,
    repositoryId: at.repositoryId,
    channel: at.channel,
    root,
    rootPublicKey: at.root.publicKey,
    pairing: null,
    name: 'web-1',
    region: null,
    listenHost: '127.0.0.1',
    pollIntervalMs: 50,
    supervise: true,
    migrationLeaseMs: 60_000,
  });

  /** One look in a process of its own, killed at a call or, where `afterMs` is given, that long after it began. Whether it was. */
  async function kill(killAt: number, afterMs: number | null): Promise<boolean> {
    await writeFile(countFile, '');
    const child = spawn(
      process.execPath,
      [
        '--import',
        new URL('./kill-calls.ts', import.meta.url).href,
        new URL('./agent-process.ts', import.meta.url).pathname,
        argument,
      ],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          NODE_COMPILE_CACHE: cache,
          KILL_AT: String(killAt),
          KILL_COUNT_FILE: countFile,
          KILL_ROOT: root,
        },
      },
    );
    let timer: NodeJS.Timeout | null = null;
    // Its first line says that it begins.
    child.stdout.once('data', () => {
      if (afterMs !== null) timer = setTimeout(() => child.kill('SIGKILL'), afterMs);
    });
    child.stdout.resume();
    const [, signal] = await once(child, 'close');
    if (timer !== null) clearTimeout(timer);
    return signal === 'SIGKILL';
  }

  /** The next agent, as whoever restarts it would start it: what it came to. */
  async function recover(): Promise<string> {
    const next = at.newAgent('web-1', { supervise: true, migrationLeaseMs: 60_000 });
    try {
      return JSON.stringify(await next.runOnce());
    } finally {
      await next.stop();
    }
  }

  let killed = 0;
  let serial = 1;
  try {
    await publish(at, serial);
    const first = await recover();
    if (!first.includes('activated')) throw new Error(`the first release did not come up: ${first}`);
    for (let tries = 0; killed < kills && tries < 2 * kills; tries += 1) {
      const old = serial;
      serial += 1;
      const pointer = await publish(at, serial);
      // Two deaths of one activation give it up, so that a release which takes the machine down cannot do so for ever: one kill each.
      const isRandom = tries % 4 === 3;
      const point = 1 + (Math.floor((tries * pointsOfLook) / kills) % pointsOfLook);
      const wasKilled = isRandom ? await kill(0, random.below(300)) : await kill(point, null);
      if (wasKilled) {
        const place = (await readFile(countFile, 'utf8')).trim() || 'at a random moment';
        places.set(place, (places.get(place) ?? 0) + 1);
        killed += 1;
      }
      const after = `kill ${killed} (release ${serial}, ${wasKilled ? 'killed' : 'ended first'})`;
      try {
        const found = await currentSerial(root);
        if (found !== old && found !== serial) violations.push(`${after}: current is ${found}`);
        const again = await recover();
        const now = await currentSerial(root);
        if (now !== serial) violations.push(`${after}: recovered to ${now}: ${again}`);
        const debris = (await readdir(join(root, 'releases'))).filter(name => name.includes('.tmp-'));
        if (debris.length > 0) violations.push(`${after}: left ${debris.join()}`);
        if (!(await readdir(join(root, 'releases'))).includes(pointer.artifactId)) violations.push(`${after}: no tree`);
      } catch (error) {
        violations.push(`${after}: ${error instanceof Error ? error.message : String(error)}`);
      }
      await rm(join(at.folder, `tree-${serial}`), { recursive: true, force: true });
      if (killed % 20 === 0) onProgress(`${killed} kills, ${violations.length} violations`);
    }
  } finally {
    await at.dispose();
  }
  const sorted = [...places].sort((one, other) => other[1] - one[1]);
  return { kills: killed, releases: serial, places: sorted, violations };
}
