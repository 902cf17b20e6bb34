/** Owns `slipway agent`: the agent in the foreground, with its own swarm process and its log on stderr. */
import { resolve } from 'node:path';
import { type AgentOutcome, createAgent } from '../agent/agent.ts';
import type { ThriftOptions, ThriftRule } from '../agent/thrift.ts';
import { createUserVariables } from '../agent/user-variables.ts';
import { DomainError } from '../contract/errors.ts';
import { formatSize } from '../domain/format-size.ts';
import { createLinuxNetworkCost } from '../process/network-cost.ts';
import { createNodeLauncher } from '../process/node-launcher.ts';
import { createLinuxPowerState } from '../process/power-state.ts';
import { openStore } from '../stores/open-store.ts';
import { createSwarmClient } from '../swarm/swarm-client.ts';
import { createLogger } from '../telemetry/logger.ts';
import { print, say } from './output.ts';

export interface AgentCommandOptions {
  readonly store: readonly string[];
  readonly repository: string;
  readonly channel: string;
  readonly root: string;
  readonly key: string;
  readonly name: string;
  readonly region?: string | undefined;
  readonly pair?: string | undefined;
  readonly once?: boolean | undefined;
  readonly supervise?: boolean | undefined;
  readonly linkFiles?: boolean | undefined;
  readonly userVariables?: boolean | undefined;
  readonly swarm: boolean;
  readonly listen: string;
  readonly tracker?: readonly string[] | undefined;
  /** Bytes per second. */
  readonly up?: number | undefined;
  readonly down?: number | undefined;
  readonly onBattery: ThriftRule;
  readonly onMetered: ThriftRule;
  readonly interval: number;
  readonly json?: boolean | undefined;
}

const waitingText = {
  enrollment:
    'This machine has asked to be enrolled. A running control center answers within seconds; if it does not, the pairing code is wrong, used or expired.',
  release: 'Nothing is released on this channel yet.',
  migration: 'Another machine runs the migrations of this release; this one takes it when they are done.',
  rollout: 'This release goes to other machines first. It lies here already; this one takes it when it is its turn.',
  thrift: 'This machine runs on battery or on a metered link, and was told to fetch nothing then. What runs goes on.',
} as const;

/** One look's outcome in words. Throws the error of a release that is not on the machine for that reason. */
function outcomeText(outcome: AgentOutcome): string {
  switch (outcome.kind) {
    case 'waiting':
      return waitingText[outcome.for];
    case 'unchanged':
      return `Release ${outcome.serial} is here already.`;
    case 'activated': {
      const { peers, region, reuse } = outcome.bytes;
      return `Release ${outcome.serial} is active: ${formatSize(peers)} from peers, ${formatSize(region)} from stores, ${formatSize(reuse)} reused.`;
    }
    case 'rolled_back':
      if (outcome.error) throw DomainError.fromView(outcome.error);
      throw new DomainError(
        'agent.health_failed',
        `Release ${outcome.failedSerial} did not come up here at an earlier look and is not tried again. Release another one.`,
        { failedSerial: outcome.failedSerial, serial: outcome.serial },
      );
    case 'failed':
      throw DomainError.fromView(outcome.error);
  }
}

function thriftOf({ onBattery, onMetered }: AgentCommandOptions): ThriftOptions | null {
  if (onBattery === 'seed' && onMetered === 'seed') return null;
  return { onBattery, onMetered, power: createLinuxPowerState(), network: createLinuxNetworkCost() };
}

/** Runs the agent until it is told to end; with `--once`, until the machine has what the channel says. */
export async function runAgent(options: AgentCommandOptions): Promise<void> {
  const { repository: repositoryId, channel, key: rootPublicKey } = options;
  const stores = await Promise.all(options.store.map(url => openStore(url)));
  const logger = createLogger({ write: line => process.stderr.write(line) });
  const swarm = options.swarm
    ? createSwarmClient({ launcher: createNodeLauncher(), logger, listen: { host: options.listen, port: 0 } })
    : null;
  swarm?.setLimits({ uploadBytesPerSecond: options.up ?? null, downloadBytesPerSecond: options.down ?? null });
  const agent = createAgent({
    stores,
    repositoryId,
    channel,
    root: resolve(options.root),
    rootPublicKey,
    pairing: options.pair ?? null,
    name: options.name,
    region: options.region ?? null,
    swarm,
    listenHost: options.listen,
    trackers: options.tracker ?? [],
    pollIntervalMs: options.interval * 1_000,
    supervise: options.supervise ?? false,
    linkFiles: options.linkFiles ?? false,
    thrift: thriftOf(options),
    userVariables: options.userVariables ? createUserVariables({ name: `${repositoryId}-${channel}` }) : null,
    logger,
  });
  if (options.once) {
    try {
      const outcome = await agent.runOnce();
      print(outcome, options, outcomeText(outcome));
    } finally {
      await agent.stop();
    }
    return;
  }
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<void>();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  await agent.start();
  const ending = options.supervise ? 'which ends the release that it supervises too' : 'the release stays as it is';
  say(`Following ${channel}. End with Ctrl-C; ${ending}.`);
  await interrupted;
  await agent.stop();
}
