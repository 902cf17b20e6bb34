/** Owns `slipway agent`: the agent in the foreground, with its own swarm process and its log on stderr. */
import { resolve } from 'node:path';
import { createAgent } from '../agent/agent.ts';
import { channelNameSchema, idSchema, publicKeySchema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { createNodeLauncher } from '../process/node-launcher.ts';
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
  readonly swarm: boolean;
  readonly listen: string;
  readonly interval: number;
  readonly json?: boolean | undefined;
}

function checked<Value>(
  name: string,
  result: { success: true; data: Value } | { success: false; error: { issues: { message: string }[] } },
): Value {
  if (result.success) return result.data;
  throw new DomainError('input.invalid', `--${name}: ${result.error.issues[0]?.message ?? 'not valid'}.`);
}

/** Runs the agent until it is told to end; with `--once`, until the machine has what the channel says. */
export async function runAgent(options: AgentCommandOptions): Promise<void> {
  const repositoryId = checked('repository', idSchema.safeParse(options.repository));
  const channel = checked('channel', channelNameSchema.safeParse(options.channel));
  const rootPublicKey = checked('key', publicKeySchema.safeParse(options.key));
  const stores = await Promise.all(options.store.map(openStore));
  const logger = createLogger({ write: line => process.stderr.write(line) });
  const swarm = options.swarm
    ? createSwarmClient({ launcher: createNodeLauncher(), logger, listen: { host: options.listen, port: 0 } })
    : null;
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
    pollIntervalMs: options.interval * 1_000,
    supervise: options.supervise ?? false,
    logger,
  });
  if (options.once) {
    try {
      const outcome = await agent.runOnce();
      print(outcome, options, JSON.stringify(outcome));
    } finally {
      await agent.stop();
    }
    return;
  }
  const { promise: interrupted, resolve: interrupt } = Promise.withResolvers<void>();
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  await agent.start();
  say(`Following ${channel}. End with Ctrl-C; what runs goes on running.`);
  await interrupted;
  await agent.stop();
}
