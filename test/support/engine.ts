/** Owns a whole engine with its HTTP host in a folder of the test, as `slipway serve` runs it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { startEngine } from '../../src-main/compose.ts';
import { startHttpHost } from '../../src-main/host/http-host.ts';
import { createRouter } from '../../src-main/host/router.ts';
import { listStaticFiles } from '../../src-main/host/static-files.ts';
import { createNodeLauncher } from '../../src-main/process/node-launcher.ts';
import { silentLogger } from '../../src-main/telemetry/logger.ts';
import { type OnEnd, scratchFolder } from './scratch-folder.ts';

export async function startTestHost(onEnd: OnEnd, options: { readonly workers?: number } = {}) {
  const folder = await scratchFolder(onEnd);
  const engine = await startEngine({
    dataFolder: `${folder}/data`,
    host: 'headless',
    launcher: createNodeLauncher(),
    logger: silentLogger,
    workers: options.workers ?? 0,
  });
  onEnd(() => engine.stop());
  const interfaceFolder = `${folder}/interface`;
  await mkdir(`${interfaceFolder}/assets`, { recursive: true });
  await writeFile(`${interfaceFolder}/index.html`, '<!doctype html><title>Slipway</title>');
  await writeFile(`${interfaceFolder}/assets/app-1234.js`, 'export {};');
  await writeFile(`${folder}/secret.txt`, 'not to be served');
  let stops = 0;
  const host = await startHttpHost({
    router: createRouter(engine, { onStop: () => (stops += 1) }),
    files: await listStaticFiles(interfaceFolder),
    metrics: engine.metrics,
    port: 0,
    logger: silentLogger,
  });
  engine.ownPorts.reserve(host.port);
  onEnd(() => host.stop());
  return { engine, host, folder, stops: () => stops };
}
