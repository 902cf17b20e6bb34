/** Owns a process that packs, or brings a release to a machine, and says now and then how far it is: what the tests of interruption kill. */
import { writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { packTree } from '../../src-main/artifacts/pack-tree.ts';
import { packSchema } from '../../src-main/contract/documents.ts';

/** At once, and not when the event loop comes to it. */
const tell = (what: string) => void writeSync(1, what);

/** `pack ROOT PACK`, or `install STORE MACHINE PACK-AS-JSON`. */
const [verb, from = '', to = '', packFile = ''] = process.argv.slice(2);
tell('.');
if (verb === 'pack') {
  await packTree({ root: from, include: ['.'], exclude: [], outFile: to, threads: 2, onProgress: () => tell('.') });
} else {
  // Only here: a process that packs starts sooner without.
  const { agentFolder, openAgentFolder } = await import('../../src-main/agent/agent-folder.ts');
  const { fetchRelease } = await import('../../src-main/agent/fetch-release.ts');
  const { createFilesystemStore } = await import('../../src-main/stores/filesystem-store.ts');
  const { silentLogger } = await import('../../src-main/telemetry/logger.ts');
  const folder = agentFolder(to);
  const lock = await openAgentFolder(folder);
  await fetchRelease({
    folder,
    stores: [createFilesystemStore(from)],
    swarm: null,
    guard: null,
    runningArtifactId: null,
    pack: packSchema.parse(JSON.parse(await readFile(packFile, 'utf8'))),
    deltas: [],
    shared: [],
    onPack: () => undefined,
    findPeers: () => Promise.resolve([]),
    onProgress: () => tell('.'),
    signal: new AbortController().signal,
    givesNothing: false,
    fetching: new AbortController().signal,
    logger: silentLogger,
  });
  lock.release();
}
tell('E');
