/** Owns what is kept of a release that did not come up: collected before the machine goes back, then kept here and put into the stores. */
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { storeKeys } from '../contract/documents.ts';
import { DomainError, messageOf } from '../contract/errors.ts';
import { type EvidenceBundle, maxEvidenceText } from '../contract/evidence.ts';
import { signEvidence } from '../releases/evidence-document.ts';
import { replacePrivateFile } from '../secrets/private-file.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { AgentFolder } from './agent-folder.ts';
import type { AgentIdentity } from './agent-identity.ts';
import type { AgentOptions } from './agent-options.ts';
import type { Installed } from './agent-state.ts';
import type { HealthAnswer } from './check-health.ts';
import { maskText } from './mask-text.ts';

/** On the machine and, of the same releases, in the stores. */
const keptBundles = 10;
const writeTimeoutMs = 10_000;

export interface EvidenceFacts {
  readonly release: Installed;
  readonly backAtSerial: number | null;
  readonly error: unknown;
  readonly answers: readonly HealthAnswer[];
  readonly lastOutput: string;
  readonly unitLog: string | null;
  /** The channel's values: their names are told, and they are masked in every text. */
  readonly values: Readonly<Record<string, string>>;
  readonly atMs: number;
}

export interface EvidenceKeeper {
  /** Keeps it and sends it. Never throws: what failed is told by the report all the same. */
  keep(facts: EvidenceFacts): Promise<void>;
}

/** The end of a file from `fromByte` on, at most 64 KiB; empty where there is none. */
export async function endOfFile(path: string, fromByte: number): Promise<string> {
  const handle = await open(path, 'r').catch(() => null);
  if (handle === null) return '';
  try {
    const { size } = await handle.stat();
    // Shorter than it was: it was emptied since.
    const from = Math.max(size < fromByte ? 0 : fromByte, size - maxEvidenceText);
    const buffer = Buffer.alloc(Math.max(0, size - from));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, from);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await handle.close();
  }
}

export async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0;
}

export function createEvidenceKeeper(
  options: Pick<AgentOptions, 'stores' | 'repositoryId' | 'channel' | 'logger'> & {
    readonly folder: AgentFolder;
    readonly identity: AgentIdentity;
  },
): EvidenceKeeper {
  const { stores, repositoryId, channel, logger, folder, identity } = options;

  function bundleOf(facts: EvidenceFacts): EvidenceBundle {
    const { release, error, values } = facts;
    const shown = (text: string) => maskText(text, Object.values(values)).slice(-maxEvidenceText);
    const view = (
      error instanceof DomainError ? error : new DomainError('agent.start_failed', messageOf(error))
    ).toView();
    return {
      type: 'slipway.evidence/v1',
      machineId: identity.machineId,
      repositoryId,
      channel,
      serial: release.serial,
      releaseId: release.releaseId,
      artifactId: release.artifactId,
      backAtSerial: facts.backAtSerial,
      atMs: facts.atMs,
      error: { ...view, message: shown(view.message), details: {} },
      health: facts.answers.map(({ atMs, problem }) => ({
        atMs,
        problem: problem === null ? null : shown(problem).slice(0, 2_000),
      })),
      lastOutput: shown(facts.lastOutput),
      unitLog: facts.unitLog === null ? null : shown(facts.unitLog),
      environmentNames: Object.keys(values).slice(0, 256),
    };
  }

  /** Returns the serials whose evidence made place. */
  async function keepHere({ serial, atMs }: EvidenceBundle, bytes: Uint8Array): Promise<number[]> {
    await mkdir(folder.evidence, { recursive: true, mode: 0o700 });
    // Sorted by name, the oldest is first.
    const name = `${String(atMs).padStart(15, '0')}-${String(serial).padStart(10, '0')}.json`;
    await replacePrivateFile(join(folder.evidence, name), bytes);
    const names = (await readdir(folder.evidence)).filter(file => file.endsWith('.json')).sort();
    const gone = names.slice(0, -keptBundles);
    for (const old of gone) await rm(join(folder.evidence, old), { force: true });
    return gone.map(old => Number(/-(\d+)\.json$/.exec(old)?.[1])).filter(old => old !== serial);
  }

  async function send(store: BlobStore, serial: number, bytes: Uint8Array, gone: readonly number[]): Promise<void> {
    const signal = AbortSignal.timeout(writeTimeoutMs);
    const key = (of: number) => storeKeys.evidence(repositoryId, identity.machineId, of);
    await store.put(key(serial), { kind: 'bytes', bytes }, { signal });
    for (const old of gone) if (old > 0) await store.delete(key(old));
  }

  return {
    async keep(facts) {
      try {
        const bundle = bundleOf(facts);
        const gone = await keepHere(bundle, Buffer.from(`${JSON.stringify(bundle, null, 2)}\n`));
        const bytes = signEvidence(bundle, identity.signer);
        await Promise.all(
          stores.map(store =>
            send(store, bundle.serial, bytes, gone).catch((error: unknown) =>
              logger.warn('agent.evidence_not_written', { store: store.url, reason: messageOf(error) }),
            ),
          ),
        );
      } catch (error) {
        logger.error('agent.evidence_not_kept', { serial: facts.release.serial, reason: messageOf(error) });
      }
    },
  };
}
