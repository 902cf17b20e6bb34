/** Owns a server of Azure's blobs on loopback: Azurite from npm in a process of its own, everything in its memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { keptFolder } from './scratch-folder.ts';

export const azureAccount = 'slipway';
const accountKey = Buffer.from('a key for tests, and for nothing else').toString('base64');
export const azureAccess = { kind: 'account-key', accountKey } as const;

export interface AzureServer {
  /** `http://127.0.0.1:port/account`. */
  readonly endpoint: string;
  /** An empty container; its client goes past the store. */
  createContainer(name: string): Promise<ContainerClient>;
  stop(): Promise<void>;
}

export async function startAzureServer(): Promise<AzureServer> {
  const program = createRequire(import.meta.url).resolve('azurite/dist/src/blob/main.js');
  const kept = await keptFolder();
  const child = spawn(
    process.execPath,
    [
      program,
      ...['--blobHost', '127.0.0.1', '--blobPort', '0'],
      ...['--inMemoryPersistence', '--silent', '--disableTelemetry', '--skipApiVersionCheck'],
    ],
    {
      cwd: kept.path,
      env: { ...process.env, AZURITE_ACCOUNTS: `${azureAccount}:${accountKey}` },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(child, 'exit');
  let endpoint: string | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    const address = /listens on (http:\S+)/.exec(line)?.[1];
    if (address === undefined) continue;
    endpoint = `${address}/${azureAccount}`;
    break;
  }
  child.stdout.resume();
  if (endpoint === null) throw new Error('Azurite has ended before it listened');
  const service = endpoint;
  return {
    endpoint: service,
    async createContainer(name) {
      const credential = new StorageSharedKeyCredential(azureAccount, accountKey);
      const container = new ContainerClient(`${service}/${name}`, credential);
      await container.create();
      return container;
    },
    async stop() {
      // Nothing of it outlives it: its memory is its store.
      child.kill('SIGKILL');
      await ended;
      await kept.remove();
    },
  };
}
