/** Owns what an engine is to those who host it: its options, and its parts. */
import type { Backups } from './backup/backups.ts';
import type { DomainError } from './contract/errors.ts';
import type { EventFeed } from './database/event-feed.ts';
import type { Db } from './database/open-database.ts';
import type { StorageWatch } from './database/storage-watch.ts';
import type { Clock } from './domain/clock.ts';
import type { DataFolder } from './domain/data-folder.ts';
import type { Alerts } from './interchange/alerts.ts';
import type { Metrics } from './interchange/metrics.ts';
import type { OwnPorts } from './interchange/own-ports.ts';
import type { Webhooks } from './interchange/webhooks.ts';
import type { HookListener } from './poller/hook-listener.ts';
import type { MirrorKeeper } from './poller/mirror-space.ts';
import type { Poller } from './poller/poller.ts';
import type { Repositories } from './poller/repositories.ts';
import type { Launcher } from './process/launcher.ts';
import type { PowerState } from './process/power-state.ts';
import type { BuildEnvironment } from './queue/build-environment.ts';
import type { Drill } from './queue/drill.ts';
import type { GitAccesses } from './queue/git-accesses.ts';
import type { WorkerPool } from './queue/worker-pool.ts';
import type { ChannelEnvironments } from './releases/channel-environment.ts';
import type { ChannelValues } from './releases/channel-values.ts';
import type { MachineRegistry } from './releases/machine-registry.ts';
import type { MigrationService } from './releases/migration-service.ts';
import type { RegionStores } from './releases/region-stores.ts';
import type { ReleaseService } from './releases/release-service.ts';
import type { RestoredReleases } from './releases/restored-releases.ts';
import type { RolloutService } from './releases/rollout-service.ts';
import type { Seeding } from './releases/seeding.ts';
import type { StoreAccesses } from './releases/store-accesses.ts';
import type { SwarmRules } from './releases/swarm-rules.ts';
import type { TrustService } from './releases/trust-service.ts';
import type { Reconciler } from './replication/reconciler.ts';
import type { DiskUseMeter } from './retention/disk-use.ts';
import type { Retention } from './retention/retention.ts';
import type { KeyProtection, KeyWrap } from './secrets/key-protection.ts';
import type { Keyring } from './secrets/keyring.ts';
import type { SwarmClient } from './swarm/swarm-client.ts';
import type { Logger } from './telemetry/logger.ts';

export interface EngineOptions {
  /** Absolute path; made where it is missing. */
  readonly dataFolder: string;
  readonly host: 'desktop' | 'headless';
  readonly launcher: Launcher;
  readonly logger: Logger;
  /** Worker processes of this run; left out: what the settings say. */
  readonly workers?: number;
  /** Left out: what Linux tells of its power supplies. */
  readonly power?: PowerState;
  readonly pollIntervalMs?: number;
  readonly machinePollIntervalMs?: number;
  /** Where the swarm listens. Without a host the setting says: this machine alone, until a person opens it to the network. */
  readonly swarmListen?: { readonly host: string | null; readonly port: number };
  readonly clock?: Clock;
  /** The system's key store, where the host can reach one. */
  readonly keyWrap?: KeyWrap | null;
}

export interface Engine {
  readonly db: Db;
  readonly feed: EventFeed;
  readonly folder: DataFolder;
  readonly host: EngineOptions['host'];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly startedAtMs: number;
  readonly pollIntervalMs: number;
  readonly keyring: Keyring;
  readonly keyProtection: KeyProtection;
  readonly trust: TrustService;
  readonly stores: RegionStores;
  readonly accesses: StoreAccesses;
  readonly gitAccesses: GitAccesses;
  readonly pool: WorkerPool;
  readonly drill: Drill;
  readonly storage: StorageWatch;
  readonly poller: Poller;
  readonly hooks: HookListener;
  readonly repositories: Repositories;
  readonly environment: BuildEnvironment;
  readonly environments: ChannelEnvironments;
  readonly channelValues: ChannelValues;
  readonly reconciler: Reconciler;
  readonly releases: ReleaseService;
  readonly migrations: MigrationService;
  readonly rollouts: RolloutService;
  readonly machines: MachineRegistry;
  readonly swarm: SwarmClient;
  readonly seeding: Seeding;
  readonly retention: Retention;
  readonly diskUse: DiskUseMeter;
  readonly mirrorKeeper: MirrorKeeper;
  readonly swarmRules: SwarmRules;
  readonly alerts: Alerts;
  readonly webhooks: Webhooks;
  readonly metrics: Metrics;
  readonly ownPorts: OwnPorts;
  readonly backups: Backups;
  readonly restored: RestoredReleases;
  /** Why the swarm does not run, or null. Stores serve machines all the same. */
  swarmProblem(): DomainError | null;
  stop(): Promise<void>;
}
