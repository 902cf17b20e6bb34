/** Owns an installation by hand for tests of the agent: keys, a real store in a folder, publications and enrollment. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { type Agent, createAgent } from '../../src-main/agent/agent.ts';
import type { AgentOptions } from '../../src-main/agent/agent-options.ts';
import { packTree } from '../../src-main/artifacts/pack-tree.ts';
import { type EnrolledMachine, type Pointer, storeKeys, type Trust } from '../../src-main/contract/documents.ts';
import { createPairing, formatPairing, verifyEnrollRequest } from '../../src-main/releases/enrollment.ts';
import { sealEnvironment } from '../../src-main/releases/environment.ts';
import { signPointer } from '../../src-main/releases/pointer-document.ts';
import { signTrust } from '../../src-main/releases/trust-document.ts';
import type { BlobStore } from '../../src-main/stores/blob-store.ts';
import { createFilesystemStore } from '../../src-main/stores/filesystem-store.ts';
import { createMetainfo } from '../../src-main/swarm/metainfo.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { newSigner, pointerOf, trustOf } from './signed-protocol.ts';

export interface Publication {
  readonly pointer: Pointer;
  readonly packBytes: number;
}

/** One control center by hand, with one store and one repository. Dispose it at the end of a test. */
export async function createInstallation() {
  const folder = await mkdtemp(join(tmpdir(), 'slipway-agent-'));
  const storeFolder = join(folder, 'store');
  await mkdir(storeFolder);
  const store = createFilesystemStore(storeFolder);
  const root = newSigner();
  const release = newSigner();
  const repositoryId = uuidv7();
  const channel = 'production';
  const agents: Agent[] = [];
  let trust: Trust = trustOf(root, [release]);
  let nowMs = 1_500;

  const putTrust = async (changes: Partial<Trust> = {}, to: BlobStore = store) => {
    trust = { ...trust, ...changes, serial: trust.serial + 1 };
    await to.put(storeKeys.trust, { kind: 'bytes', bytes: signTrust(trust, root) });
  };
  await putTrust();

  async function putPointer(pointer: Pointer, to: BlobStore = store, signer = release): Promise<void> {
    const bytes = signPointer(pointer, signer);
    await to.put(storeKeys.pointer(pointer.repositoryId, pointer.channel), { kind: 'bytes', bytes });
  }

  /** Packs `files`, stores everything that belongs to the artifact, and points the channel at it. */
  async function publish(
    serial: number,
    files: Readonly<Record<string, string>>,
    changes: Partial<Pointer> = {},
  ): Promise<Publication> {
    const tree = join(folder, `tree-${serial}`);
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(tree, path)), { recursive: true });
      await writeFile(join(tree, path), content);
    }
    const outFile = join(folder, `pack-${serial}`);
    const packed = await packTree({ root: tree, include: ['.'], exclude: [], outFile, threads: 1 });
    const { artifactId, digest, sizeBytes, pieceLengthBytes, pieces } = packed;
    const { torrent, infoHash } = createMetainfo({ name: `${digest}.tar.zst`, sizeBytes, pieceLengthBytes, pieces });
    await store.put(storeKeys.fileList(artifactId), { kind: 'bytes', bytes: packed.fileList });
    await store.put(storeKeys.pack(digest), { kind: 'file', path: outFile, sizeBytes }, { sha256: digest });
    await store.put(storeKeys.torrent(digest), { kind: 'bytes', bytes: torrent });
    const pointer = pointerOf({
      repositoryId,
      channel,
      serial,
      artifactId,
      packs: [{ digest, kind: 'full', artifactId, baseArtifactId: null, sizeBytes, infoHash }],
      ...changes,
    });
    await putPointer(pointer);
    return { pointer, packBytes: sizeBytes };
  }

  function newAgent(name: string, changes: Partial<AgentOptions> = {}): Agent {
    const agent = createAgent({
      stores: [store],
      repositoryId,
      channel,
      root: join(folder, name),
      rootPublicKey: root.publicKey,
      pairing: null,
      name,
      region: 'eu',
      swarm: null,
      listenHost: '127.0.0.1',
      pollIntervalMs: 20,
      logger: silentLogger,
      now: () => nowMs,
      ...changes,
    });
    agents.push(agent);
    return agent;
  }

  /** Pairs a machine as a person and a control center would, and gives its agent. */
  async function pairedAgent(name: string, changes: Partial<AgentOptions> = {}) {
    const pairing = createPairing();
    const agent = newAgent(name, { pairing: formatPairing(pairing), ...changes });
    const outcome = await agent.runOnce();
    if (outcome.kind !== 'waiting') throw new Error(`expected the agent to wait, but: ${JSON.stringify(outcome)}`);
    const key = storeKeys.enroll(repositoryId, pairing.machineId);
    const found = await store.read(key, 100_000);
    if (found === null) throw new Error('the agent wrote no request');
    const { type: _type, mac: _mac, ...request } = verifyEnrollRequest(found.bytes, pairing.secret);
    const machine: EnrolledMachine = { ...request, enrolledAtMs: 1, revokedAtMs: null };
    await putTrust({ machines: [...trust.machines, machine] });
    return { agent, machine, root: join(folder, name) };
  }

  async function putEnvironment(values: Record<string, string>): Promise<string> {
    const recipients = trust.machines.map(machine => machine.ageRecipient);
    const { bytes, digest } = await sealEnvironment(values, recipients);
    await store.put(storeKeys.environment(repositoryId, channel, digest), { kind: 'bytes', bytes });
    return digest;
  }

  return {
    folder,
    store,
    storeFolder,
    root,
    release,
    repositoryId,
    channel,
    trust: () => trust,
    putTrust,
    putPointer,
    putEnvironment,
    publish,
    newAgent,
    pairedAgent,
    setNow(ms: number) {
      nowMs = ms;
    },
    /** What `current` holds on a machine. */
    currentFile: (machineRoot: string, path: string) => readFile(join(machineRoot, 'current', path), 'utf8'),
    async dispose() {
      for (const agent of agents) await agent.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
export type Installation = Awaited<ReturnType<typeof createInstallation>>;
