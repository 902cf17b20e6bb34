/** Owns the tables of the database as Kysely sees them: each by its name. */

import type {
  BuildsTable,
  CachesTable,
  PackHoldsTable,
  PackRemovalsTable,
  PacksTable,
  ResultsTable,
} from './tables/builds.ts';
import type {
  ChannelEnvironmentsTable,
  ChannelValuesTable,
  EnvironmentSealsTable,
  SecretsTable,
  SettingsTable,
  VariablesTable,
} from './tables/environment.ts';
import type { EventsTable } from './tables/events.ts';
import type {
  AttemptsTable,
  EarlierAttemptsTable,
  JobsTable,
  QueueHeadsTable,
  ReclaimedLogsTable,
  RunningJobsTable,
  StepsTable,
  WaitingJobsTable,
  WorkersTable,
} from './tables/jobs.ts';
import type {
  AuditsTable,
  RegionsTable,
  ReplicasTable,
  ReplicationPoliciesTable,
  StoreAccessesTable,
  TrafficTable,
} from './tables/regions.ts';
import type { ChannelsTable, MachinesTable, ReleasesTable } from './tables/releases.ts';
import type { GitAccessesTable, RepositoriesTable, SeenTagsTable } from './tables/repositories.ts';
import type { WebhookDeliveriesTable, WebhooksTable } from './tables/webhooks.ts';

export interface Schema {
  repositories: RepositoriesTable;
  jobs: JobsTable;
  queueHeads: QueueHeadsTable;
  runningJobs: RunningJobsTable;
  waitingJobs: WaitingJobsTable;
  attempts: AttemptsTable;
  earlierAttempts: EarlierAttemptsTable;
  reclaimedLogs: ReclaimedLogsTable;
  steps: StepsTable;
  workers: WorkersTable;
  packs: PacksTable;
  builds: BuildsTable;
  packHolds: PackHoldsTable;
  packRemovals: PackRemovalsTable;
  regions: RegionsTable;
  replicas: ReplicasTable;
  audits: AuditsTable;
  traffic: TrafficTable;
  replicationPolicies: ReplicationPoliciesTable;
  channels: ChannelsTable;
  releases: ReleasesTable;
  machines: MachinesTable;
  settings: SettingsTable;
  variables: VariablesTable;
  secrets: SecretsTable;
  storeAccesses: StoreAccessesTable;
  gitAccesses: GitAccessesTable;
  seenTags: SeenTagsTable;
  channelValues: ChannelValuesTable;
  channelEnvironments: ChannelEnvironmentsTable;
  environmentSeals: EnvironmentSealsTable;
  caches: CachesTable;
  results: ResultsTable;
  events: EventsTable;
  webhooks: WebhooksTable;
  webhookDeliveries: WebhookDeliveriesTable;
}
