/** Owns `slipway tracker`: a tracker by itself, for machines that cannot see the control center's own. */
import type { Command } from 'commander';
import { publicKeySchema, storeKeys, type Trust } from '../contract/documents.ts';
import { DomainError, messageOf, systemErrorCode } from '../contract/errors.ts';
import { reachableAddresses } from '../releases/seeding.ts';
import { maxDocumentBytes } from '../releases/signed-document.ts';
import { activeReleaseKeys, verifyTrust } from '../releases/trust-document.ts';
import type { BlobStore } from '../stores/blob-store.ts';
import type { AnnounceKeys } from '../swarm/announce-token.ts';
import { createTracker } from '../swarm/tracker.ts';
import { fitting, wholeNumber } from './arguments.ts';
import { type OutputOptions, print, say } from './output.ts';
import { openNamedStore } from './stored-artifacts.ts';

interface TrackerOptions extends OutputOptions {
  readonly store: string;
  readonly key: string;
  readonly listen: string;
  readonly port: number;
}

/** The port of trackers since the first one. Source: IANA has 6969 for "acmsoda", which nobody runs. */
const defaultPort = 6_969;
/** A machine that was revoked is answered no longer than this. */
const trustEveryMs = 30_000;

export function addTrackerCommand(program: Command): void {
  program
    .command('tracker')
    .description(
      'tell machines of each other: a faster way than their reports in the store, answered to enrolled keys alone',
    )
    .requiredOption('--store <url>', 'a store of the installation; its trust document says which keys are enrolled')
    .requiredOption(
      '--key <root-public-key>',
      "the installation's root key",
      fitting(publicKeySchema, 'Give the root key that "slipway status" shows.'),
    )
    .option('--listen <address>', 'where it listens; 0.0.0.0 opens it to the network', '127.0.0.1')
    .option('--port <n>', 'its port; 0 takes any', wholeNumber(0, 65_535), defaultPort)
    .action(async (_options: unknown, command: Command) => {
      await track(command.optsWithGlobals<TrackerOptions>());
    });
}

function keysOf(trust: Trust): AnnounceKeys {
  const machines = trust.machines.filter(machine => machine.revokedAtMs === null).map(machine => machine.publicKey);
  return { machines, controlCenters: activeReleaseKeys(trust) };
}

async function readTrust(store: BlobStore, rootPublicKey: string, minSerial: number): Promise<Trust> {
  const found = await store.read(storeKeys.trust, maxDocumentBytes);
  if (found !== null) return verifyTrust(found.bytes, rootPublicKey, minSerial);
  throw new DomainError(
    'store.not_found',
    `${store.url} has no trust document. Name a store of the installation: "slipway region list" shows them.`,
  );
}

function listenError(error: unknown, { listen, port }: TrackerOptions): DomainError {
  const taken = systemErrorCode(error) === 'EADDRINUSE';
  return new DomainError(
    taken ? 'host.port_in_use' : 'input.invalid',
    `The tracker cannot listen on ${listen}:${port}: ${taken ? 'another program does. Choose another port with --port' : messageOf(error)}.`,
    { host: listen, port },
  );
}

async function track(options: TrackerOptions): Promise<void> {
  const store = await openNamedStore(options.store);
  let trust = await readTrust(store, options.key, 0);
  const { promise: ended, resolve: end, reject } = Promise.withResolvers<void>();
  const tracker = createTracker({
    host: options.listen,
    port: options.port,
    keys: keysOf(trust),
    now: Date.now,
    onFailure: reject,
  });
  let port: number;
  try {
    port = await tracker.start();
  } catch (error) {
    throw listenError(error, options);
  }
  const refresh = async (): Promise<void> => {
    try {
      trust = await readTrust(store, options.key, trust.serial);
      tracker.setKeys(keysOf(trust));
    } catch (error) {
      say(`The trust document was not read again, and the keys stay as they are: ${messageOf(error)}`);
    }
  };
  const refreshing = setInterval(() => void refresh(), trustEveryMs);
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  const urls = reachableAddresses(options.listen).map(
    host => `http://${host.includes(':') ? `[${host}]` : host}:${port}/announce`,
  );
  print({ urls, port, pid: process.pid }, options, `The tracker answers at ${urls.join(', ')}`);
  say('Tell machines of it: slipway settings set swarm.tracker URL, or slipway agent --tracker URL. End with Ctrl-C.');
  try {
    await ended;
  } finally {
    clearInterval(refreshing);
    await tracker.stop();
  }
}
