/** Owns what an agent is told at its start. */
import type { BlobStore } from '../stores/blob-store.ts';
import type { SwarmClient } from '../swarm/swarm-client.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ThriftOptions } from './thrift.ts';
import type { UserVariables } from './user-variables.ts';

export interface AgentOptions {
  /** The first is preferred, the nearest one. */
  readonly stores: readonly BlobStore[];
  readonly repositoryId: string;
  readonly channel: string;
  /** Absolute; made where it is missing. */
  readonly root: string;
  /** The installation's root key, as 32 bytes in base64url: pinned at the first start. */
  readonly rootPublicKey: string;
  /** The pairing code; null once the machine is paired. */
  readonly pairing: string | null;
  readonly name: string;
  readonly region: string | null;
  /** Started and stopped by the agent. Null reads everything from the stores. */
  readonly swarm: SwarmClient | null;
  /** Where the swarm listens, as other machines reach it; 0.0.0.0 stands for all addresses of this machine. */
  readonly listenHost: string;
  /** URLs of trackers, besides those that control centers name. Left out: none. */
  readonly trackers?: readonly string[];
  readonly pollIntervalMs: number;
  /** Whether a release's start command is run and kept running here. Default true. */
  readonly supervise?: boolean;
  /** Whether files that a delta keeps are links to those of the release before, and read-only. Default false. */
  readonly linkFiles?: boolean;
  /** Sets the channel's values as persistent variables of the agent's user too; null leaves them alone. */
  readonly userVariables?: UserVariables | null;
  /** Between two looks at what runs: at all of its files, and at its health. Left out: an hour, and half a minute. */
  readonly driftIntervalsMs?: { readonly files: number; readonly health: number };
  /** What battery and a metered link forbid. Left out: nothing. */
  readonly thrift?: ThriftOptions | null;
  readonly agentVersion?: string;
  /** How long this machine's lock on a migration holds without a renewal; left out: what the control center says. */
  readonly migrationLeaseMs?: number;
  readonly logger: Logger;
  /** UTC milliseconds. */
  readonly now?: () => number;
}
