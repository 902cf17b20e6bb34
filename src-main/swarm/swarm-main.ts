/** Owns the swarm process: its channel to the engine, its clock and its end. What it does with a command is the session's. */
import { messageOf } from '../contract/errors.ts';
import { openParentChannel, type ParentChannel } from '../process/parent-channel.ts';
import { type SwarmReport, swarmCommandSchema } from './messages.ts';
import { createSwarmSession } from './swarm-session.ts';

/** Interfaces update once a second. */
const tickMs = 1_000;
/** A process with this many unexpected errors is not trusted further: it ends, and the engine starts another. */
const maxUnexpectedErrors = 20;
/** Connections that do not close in this time are closed by the end of the process. */
const closeGraceMs = 1_000;

function run(channel: ParentChannel): void {
  const tell = (report: SwarmReport): void => channel.send(report);
  let unexpectedErrors = 0;
  let ending = false;

  const end = (exitCode: number): void => {
    if (ending) return;
    ending = true;
    setTimeout(() => process.exit(exitCode), closeGraceMs);
    session.close().finally(() => process.exit(exitCode));
  };
  const logError = (event: string, error: unknown): void =>
    tell({ type: 'log', level: 'error', event, message: messageOf(error) });

  const session = createSwarmSession(tell, error => {
    logError('swarm.client_failed', error);
    end(1);
  });

  // webtorrent throws from timers and sockets of torrents that were just removed; one torrent must not end the others.
  const onUnexpected = (error: unknown): void => {
    unexpectedErrors += 1;
    logError('swarm.unexpected_error', error instanceof Error ? (error.stack ?? error.message) : error);
    if (unexpectedErrors >= maxUnexpectedErrors) end(1);
  };
  process.on('uncaughtException', onUnexpected);
  process.on('unhandledRejection', onUnexpected);

  setInterval(() => session.tick(), tickMs);
  channel.onMessage(message => {
    const parsed = swarmCommandSchema.safeParse(message);
    if (!parsed.success) logError('swarm.message_refused', parsed.error);
    else if (parsed.data.type === 'stop') end(0);
    else session.handle(parsed.data);
  });
  channel.onDisconnect(() => end(0));
  // A terminal's Ctrl-C reaches the whole group; the engine decides when its swarm ends.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => end(0));
}

run(openParentChannel());
