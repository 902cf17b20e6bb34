/** Owns an upload that is cut again and again, by kill -9 of its process, a lost connection, or a server in trouble, until it is done. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { unavailable } from './faults.ts';
import { startGcsServer } from './gcs-server.ts';
import type { UploadOrder } from './upload-order.ts';

export interface CutUpload {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** Base64, as the server says it. */
  readonly crc32c: string;
  readonly stateFile: string;
  readonly cuts: number;
  /** Between 0 and 1; gives where each cut falls, and which it is. */
  readonly random: () => number;
}

export interface CutResult {
  readonly kills: number;
  /** Connections lost and answers of 503. */
  readonly breaks: number;
  /** Sessions after the first: uploads that began from zero. */
  readonly restarts: number;
  readonly receivedBytes: number;
  /** The server has the whole, with the checksum of the source. */
  readonly isVerified: boolean;
}

const child = join(import.meta.dirname, 'upload-child.ts');

/** Uploads to a server that counts and hashes, cutting `cuts` times on the way. */
export async function uploadWithCuts(upload: CutUpload): Promise<CutResult> {
  const { sizeBytes, cuts, random } = upload;
  /** The next cut falls when so many bytes have come; each gets an equal share of the file, and falls anywhere in it. */
  let nextCutAt = 0;
  let left = cuts;
  let kills = 0;
  let breaks = 0;
  let kill: () => void = () => undefined;
  const plan = () => {
    const done = cuts - left;
    nextCutAt = left === 0 ? Number.POSITIVE_INFINITY : Math.floor(((done + random()) / (cuts + 1)) * sizeBytes) + 1;
  };
  const server = await startGcsServer({
    buckets: ['cut-uploads'],
    discards: true,
    onReceived(totalBytes) {
      if (totalBytes < nextCutAt) return;
      left -= 1;
      plan();
      if (random() < 0.6) {
        kills += 1;
        kill();
        return;
      }
      breaks += 1;
      server.faults.add(
        random() < 0.5
          ? { on: 'status', kind: 'answer', error: unavailable(0) }
          : { on: 'status', kind: 'lose-answer' },
      );
      server.dropConnections();
    },
  });
  plan();
  const order: UploadOrder = {
    storeUrl: `gs://cut-uploads?endpoint=${server.url}`,
    key: 'packs/cut',
    path: upload.path,
    sizeBytes,
    sha256: upload.sha256,
    stateFile: upload.stateFile,
  };
  try {
    // A process more than cuts: whoever is not killed ends by itself.
    for (let life = 0; life <= cuts; life += 1) {
      const uploading = spawn(process.execPath, [child, JSON.stringify(order)], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      uploading.stderr.setEncoding('utf8').on('data', (text: string) => {
        said = (said + text).slice(-2_000);
      });
      kill = () => uploading.kill('SIGKILL');
      const [exitCode, signal] = await once(uploading, 'close');
      if (exitCode === 0) break;
      if (signal !== 'SIGKILL') throw new Error(`The upload failed: ${said}`);
    }
    const object = server.object('cut-uploads', order.key);
    return {
      kills,
      breaks,
      restarts: (server.requests.get('session') ?? 0) - 1,
      receivedBytes: server.receivedBytes(),
      isVerified: object?.sizeBytes === sizeBytes && object.crc32c === upload.crc32c,
    };
  } finally {
    await server.stop();
  }
}
