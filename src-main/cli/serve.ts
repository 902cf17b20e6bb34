/** Owns `slipway serve`: the headless host, from its start to its end in good order. */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEngine } from '../compose.ts';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { DataFolder } from '../domain/data-folder.ts';
import type { Engine } from '../engine.ts';
import { keptHostToken, removeHostFile, writeHostFile } from '../host/host-file.ts';
import { type HttpHost, startHttpHost } from '../host/http-host.ts';
import { createRouter } from '../host/router.ts';
import { listStaticFiles } from '../host/static-files.ts';
import { resourcesFolder } from '../process/entry-points.ts';
import { createNodeLauncher } from '../process/node-launcher.ts';
import { createLogFile } from '../telemetry/log-file.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';

export interface ServeOptions {
  readonly folder: DataFolder;
  readonly port: number;
  readonly workers?: number | undefined;
  readonly swarmHost?: string | undefined;
  readonly swarmPort?: number | undefined;
  readonly pollIntervalMs?: number | undefined;
  readonly machinePollIntervalMs?: number | undefined;
}

export interface RunningHost {
  readonly engine: Engine;
  readonly http: HttpHost;
  /** Settles when the engine has ended, by `stop` or because a client asked. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** The engine's log: a file in the data folder, so that a terminal shows only what a person asked for. */
export async function openEngineLog(folder: DataFolder): Promise<Logger> {
  try {
    await mkdir(folder.root, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new DomainError(
      systemErrorCode(error) === 'ENOSPC' ? 'store.full' : 'data.unwritable',
      `${folder.root} cannot be written (${systemErrorCode(error) ?? 'unknown error'}). Check its owner and mode, or choose another folder with --data.`,
    );
  }
  return createLogger(createLogFile(folder.engineLog, folder.olderEngineLog));
}

/** Starts engine and host. Throws what either throws; then nothing is left running. */
export async function serve(options: ServeOptions): Promise<RunningHost> {
  const { folder } = options;
  const logger = await openEngineLog(folder);
  const engine = await startEngine({
    dataFolder: folder.root,
    host: 'headless',
    launcher: createNodeLauncher(),
    logger,
    ...(options.workers === undefined ? {} : { workers: options.workers }),
    ...(options.pollIntervalMs === undefined ? {} : { pollIntervalMs: options.pollIntervalMs }),
    ...(options.machinePollIntervalMs === undefined ? {} : { machinePollIntervalMs: options.machinePollIntervalMs }),
    swarmListen: { host: options.swarmHost ?? null, port: options.swarmPort ?? 0 },
  });
  const { promise: ended, resolve: end, reject } = Promise.withResolvers<void>();
  let http: HttpHost | null = null;
  let stopping: Promise<void> | null = null;
  const stop = () => {
    stopping ??= (async () => {
      await removeHostFile(folder);
      await http?.stop();
      await engine.stop();
    })();
    stopping.then(end, reject);
    return stopping;
  };
  try {
    const router = createRouter(engine, { onStop: () => void stop() });
    const files = await listStaticFiles(rendererFolder());
    const token = await keptHostToken(folder, Date.now());
    http = await startHttpHost({ router, files, metrics: engine.metrics, port: options.port, token, logger });
    engine.ownPorts.reserve(http.port);
    await writeHostFile(folder, { pid: process.pid, port: http.port, token: http.token });
  } catch (error) {
    await engine.stop();
    throw error;
  }
  logger.info('host.started', { port: http.port });
  return { engine, http, ended, stop };
}

/** The built interface, beside the built host; in source, what `npm run build` made last. */
function rendererFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return import.meta.url.endsWith('.ts')
    ? resolve(here, '../../out/renderer')
    : join(dirname(resourcesFolder()), 'out/renderer');
}

/** Opens an address in the person's browser; nothing happens where there is none. */
export function openInBrowser(url: string): void {
  const [command, args]: [string, string[]] =
    process.platform === 'darwin'
      ? ['open', [url]]
      : process.platform === 'win32'
        ? ['rundll32', ['url.dll,FileProtocolHandler', url]]
        : ['xdg-open', [url]];
  spawn(command, args, { stdio: 'ignore', detached: true })
    .on('error', () => undefined)
    .unref();
}
