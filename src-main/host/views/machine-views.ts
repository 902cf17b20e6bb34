/** Owns how machines and the swarm are shown. */

import { type BytesBySource, type MachineReport, machineReportSchema } from '../../contract/documents.ts';
import type { MachineView } from '../../contract/views/machine.ts';
import type { VisualState } from '../../contract/views/state.ts';
import type { SwarmView } from '../../contract/views/swarm.ts';
import { listBuilds } from '../../database/builds.ts';
import { fromJson } from '../../database/json-column.ts';
import type { MachineRecord } from '../../database/machines.ts';
import type { Engine } from '../../engine.ts';
import { reachableAddresses } from '../../releases/seeding.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

/** An agent reports at least every 30 s; three missed reports are silence. */
const silentAfterMs = 90_000;
const noBytes: BytesBySource = { peers: 0, region: 0, reuse: 0 };

export function isSilent(machine: MachineRecord, now: number): boolean {
  const last = machine.lastReportAt ?? machine.enrolledAt;
  return machine.enrolledAt !== null && last !== null && now - last > silentAfterMs;
}

function stateOf(machine: MachineRecord, report: MachineReport | null, silent: boolean, behind: number): VisualState {
  if (machine.enrolledAt === null) return 'pending';
  if (report?.phase === 'failed' || report?.phase === 'rolled_back' || report?.health === 'unhealthy') return 'failed';
  if (silent) return 'stale';
  if (!report || report.phase === 'enrolled') return 'pending';
  if (report.phase !== 'active') return 'running';
  if (report.drift !== null) return 'failed';
  return behind > 0 ? 'stale' : 'verified';
}

function machineView(snapshot: Snapshot, machine: MachineRecord): MachineView {
  const report = fromJson(machineReportSchema, machine.report);
  const current = snapshot.channels.find(
    ({ channel }) => channel.repositoryId === machine.repositoryId && channel.name === machine.channel,
  );
  const wanted = current?.release?.serial ?? 0;
  const behind = Math.max(0, wanted - (report?.serial ?? 0));
  const silent = isSilent(machine, snapshot.now);
  return {
    id: machine.id,
    repositoryId: machine.repositoryId,
    repositoryName: snapshot.repositories.get(machine.repositoryId)?.name ?? 'removed',
    channel: machine.channel,
    name: machine.name,
    region: machine.region,
    state: stateOf(machine, report, silent, behind),
    phase: machine.enrolledAt === null ? 'invited' : (report?.phase ?? 'paired'),
    serial: report?.serial ?? null,
    targetSerial: report?.targetSerial ?? null,
    behind,
    artifactId: report?.artifactId ?? null,
    health: report?.health ?? 'unknown',
    message: report?.message ?? null,
    progress: report?.progress ?? null,
    bytes: report?.bytes ?? noBytes,
    lastReportAtMs: machine.lastReportAt,
    silent,
    agentVersion: report?.agentVersion ?? null,
    environmentNames: report?.environmentNames ?? [],
    timeline: report ? [...report.timeline] : [],
    evidenceSerial: report?.evidenceSerial ?? null,
    drift: report?.drift ?? null,
    repairRequestedAtMs: machine.repairRequestedAt,
    kept: report ? [...report.kept] : [],
  };
}

export async function machineViews(engine: Engine, repositoryId?: string): Promise<MachineView[]> {
  const snapshot = await takeSnapshot(engine);
  return snapshot.machines
    .filter(machine => repositoryId === undefined || machine.repositoryId === repositoryId)
    .map(machine => machineView(snapshot, machine));
}

export async function swarmView(engine: Engine): Promise<SwarmView> {
  const snapshot = await takeSnapshot(engine);
  const stats = engine.swarm.stats();
  const builds = new Map((await listBuilds(engine.db, { limit: 200 })).map(build => [build.infoHash, build]));
  const torrents = stats.torrents.map(torrent => {
    const build = builds.get(torrent.infoHash);
    return {
      infoHash: torrent.infoHash,
      packDigest: build?.packDigest ?? '',
      repositoryName: build ? (snapshot.repositories.get(build.repositoryId)?.name ?? 'removed') : 'unknown',
      revision: build?.revision ?? '',
      sizeBytes: build?.sizeBytes ?? 0,
      peers: torrent.peers,
      uploadedBytes: torrent.uploadedBytes,
      downloadedBytes: torrent.bytesFromPeers + torrent.bytesFromWebSeed,
      uploadBytesPerSecond: torrent.uploadBytesPerSecond,
      downloadBytesPerSecond: torrent.downloadBytesPerSecond,
    };
  });
  const sum = (pick: (torrent: (typeof torrents)[number]) => number) =>
    torrents.reduce((total, torrent) => total + pick(torrent), 0);
  const bytes = snapshot.machines.reduce<BytesBySource>((total, machine) => {
    const part = fromJson(machineReportSchema, machine.report)?.bytes ?? noBytes;
    return {
      peers: total.peers + part.peers,
      region: total.region + part.region,
      reuse: total.reuse + part.reuse,
    };
  }, noBytes);
  return {
    running: stats.port !== null,
    paused: engine.seeding.paused,
    pausedUntilMs: engine.seeding.pausedUntilMs,
    heldBy: engine.seeding.heldBy,
    port: stats.port,
    addresses: reachableAddresses(engine.swarm.listenHost).filter(address => !/^(127\.|::1$|localhost$)/.test(address)),
    trackers: [...engine.seeding.trackers()],
    uploadBytesPerSecond: sum(torrent => torrent.uploadBytesPerSecond),
    downloadBytesPerSecond: sum(torrent => torrent.downloadBytesPerSecond),
    uploadedBytes: sum(torrent => torrent.uploadedBytes),
    torrents,
    bytes,
    error: engine.swarmProblem()?.toView() ?? null,
  };
}
