/** Owns the desktop host from its start to its end in good order: engine, loopback host for commands, shell. */
import { utilityProcess } from 'electron';
import { startEngine } from '../compose.ts';
import { DomainError } from '../contract/errors.ts';
import type { DataFolder } from '../domain/data-folder.ts';
import { removeHostFile, writeHostFile } from '../host/host-file.ts';
import { startHttpHost } from '../host/http-host.ts';
import { listInterfaceFiles } from '../host/interface-files.ts';
import { createRouter } from '../host/router.ts';
import { listStaticFiles } from '../host/static-files.ts';
import { createUtilityLauncher } from '../process/utility-launcher.ts';
import { openSystemKeyStore, type SafeStorage } from '../secrets/system-key-store.ts';
import type { Logger } from '../telemetry/logger.ts';
import { serveInterface } from './app-protocol.ts';
import { createDesktopPowerState } from './power.ts';
import { openShell, type Shell } from './shell.ts';

export interface DesktopPaths {
  readonly renderer: string;
  readonly preload: string;
  readonly icons: string;
}

export interface DesktopApp extends Omit<Shell, 'stop'> {
  /** Ends everything; a second call waits for the first. */
  stop(): Promise<void>;
}

/** Starts all of it, after the app is ready. Throws what engine and host throw; then nothing is left running. */
export async function startDesktop(options: {
  readonly folder: DataFolder;
  readonly port: number;
  readonly hidden: boolean;
  readonly paths: DesktopPaths;
  /** Electron's, to keep the master key; null to keep it in its file. */
  readonly keyStore: SafeStorage | null;
  /** Ends the app without a question. */
  readonly onEnd: () => void;
  readonly logger: Logger;
}): Promise<DesktopApp> {
  const { folder, logger, paths } = options;
  const interfaceFiles = await listInterfaceFiles(paths.renderer);
  if (interfaceFiles.isEmpty) {
    throw new DomainError('not_found', `The interface is not built in ${paths.renderer}. Run "npm run build".`);
  }
  const engine = await startEngine({
    dataFolder: folder.root,
    host: 'desktop',
    launcher: createUtilityLauncher(utilityProcess.fork),
    power: createDesktopPowerState(),
    logger,
    keyWrap: options.keyStore && (await openSystemKeyStore(options.keyStore, process.platform, logger)),
  });
  const cleanups: (() => unknown)[] = [() => engine.stop()];
  let stopping: Promise<void> | null = null;
  const stopAll = async () => {
    for (const cleanup of cleanups.reverse()) {
      try {
        await cleanup();
      } catch (error) {
        logger.error('desktop.not_stopped', { error });
      }
    }
  };
  const stop = () => {
    stopping ??= stopAll();
    return stopping;
  };

  try {
    const router = createRouter(engine, { onStop: options.onEnd });
    const files = await listStaticFiles(paths.renderer);
    const http = await startHttpHost({ router, files, metrics: engine.metrics, port: options.port, logger });
    engine.ownPorts.reserve(http.port);
    cleanups.push(() => http.stop());
    await writeHostFile(folder, { pid: process.pid, port: http.port, token: http.token });
    cleanups.push(() => removeHostFile(folder));

    serveInterface(interfaceFiles);
    const shell = openShell({
      engine,
      router,
      hidden: options.hidden,
      preload: paths.preload,
      icons: paths.icons,
      onEnd: options.onEnd,
    });
    cleanups.push(() => shell.stop());
    logger.info('desktop.started', { port: http.port });
    return { ...shell, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
