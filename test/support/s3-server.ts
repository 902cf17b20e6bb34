/**
 * Owns a server of S3 on loopback: s3rver from npm, and in front of it what S3 has learned since s3rver was last released, namely
 * conditional writes, lists and aborts of uploads, copies by part, CRC32C of the whole, and pages that OpenSSL 3 can sign.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { crc32c } from '../../src-main/stores/crc32c.ts';
import { requestsUnderWay } from './requests-under-way.ts';
import { keptFolder } from './scratch-folder.ts';

interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly lastModifiedDate: Date;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What is used of s3rver, which has no types of its own. */
interface S3rver {
  readonly store: {
    putBucket(bucket: string): Promise<unknown>;
    putObject(object: StoredObject): Promise<{ size: number; md5: string }>;
    existsObject(bucket: string, key: string): Promise<boolean>;
    getMetadata(bucket: string, key: string): Promise<Readonly<Record<string, string>>>;
    getResourcePath(bucket: string, key: string | undefined, resource: string): string;
    listObjects(bucket: string, options: { prefix: string; maxKeys: number }): Promise<{ objects: StoredObject[] }>;
  };
  readonly logger: { exceptions: { unhandle(): void } };
  callback(): RequestListener;
}

const require = createRequire(import.meta.url);
const S3rverApp: new (options: Record<string, unknown>) => S3rver = require('s3rver');
const S3Error: new (code: string, message: string) => Error = require('s3rver/lib/models/error');

export const s3Access = { kind: 'access-key', accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' } as const;

export interface S3Server {
  /** `http://127.0.0.1:port`. */
  readonly endpoint: string;
  /** Where an object lies on the disk. */
  objectPath(bucket: string, key: string): string;
  /** Bytes of objects and parts that requests brought and that were taken. */
  receivedBytes(): number;
  /** Resolves when no request is under way, cut ones included: nothing more is received then. */
  atRest(): Promise<void>;
  /** Puts empty objects into a bucket. */
  seed(bucket: string, keys: readonly string[]): Promise<void>;
  /** Uploads that have neither ended nor been aborted. */
  openUploads(bucket: string): Promise<string[]>;
  /** `begun` says when each upload was begun, in the list of uploads; now, where it is null. */
  setBegun(atMs: number | null): void;
  /** The next write is done, and its connection breaks before the answer. */
  loseNextAnswer(): void;
  stop(): Promise<void>;
}

export interface S3ServerOptions {
  readonly buckets: readonly string[];
  /** Whether writes heed If-Match and If-None-Match; a server of before 2024 does not. */
  readonly conditions?: boolean;
  /** Whether uploads are checked by CRC32C. */
  readonly checksums?: boolean;
}

async function crc32cOf(path: string): Promise<string> {
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32c(await readFile(path)));
  return checksum.toString('base64');
}

export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const kept = await keptFolder();
  const app = new S3rverApp({ directory: kept.path, silent: true });
  const { store } = app;
  for (const bucket of options.buckets) await store.putBucket(bucket);
  const inner = app.callback();
  const takesChecksums = options.checksums === true;
  const withChecksums = new Set<string>();
  const wholeCrc32c = new Map<string, string>();
  const wantedCrc32c = new Map<string, string>();
  const ends = new Map<string, Promise<void>>();
  let receivedBytes = 0;
  let begunAtMs: number | null = null;
  let losesAnswer = false;

  const uploadsOf = (bucket: string) => store.getResourcePath(bucket, undefined, 'uploads');
  const objectPath = (bucket: string, key: string) => store.getResourcePath(bucket, key, 'object');

  // s3rver writes into the file that readers have open; a new file leaves them the old one.
  const putObject = store.putObject.bind(store);
  store.putObject = async object => {
    const { bucket, key } = object;
    await rm(objectPath(bucket, key), { force: true });
    const written = await putObject(object);
    const crc32c = takesChecksums ? await crc32cOf(objectPath(bucket, key)) : null;
    const wanted = wantedCrc32c.get(`${bucket}/${key}`);
    if (crc32c !== null && wanted !== undefined && wanted !== crc32c) {
      await rm(objectPath(bucket, key), { force: true });
      throw new S3Error('BadDigest', 'The CRC32C you specified did not match the calculated checksum.');
    }
    if (crc32c !== null) wholeCrc32c.set(`${bucket}/${key}`, crc32c);
    return written;
  };

  function answer(res: ServerResponse, status: number, xml: string): void {
    res.writeHead(status, { 'content-type': 'application/xml' });
    res.end(`<?xml version="1.0" encoding="UTF-8"?>\n${xml}`);
  }

  const refuse = (res: ServerResponse, status: number, code: string) =>
    answer(res, status, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);

  async function conditionHolds(req: IncomingMessage, bucket: string, key: string): Promise<boolean | 'missing'> {
    const { 'if-match': match, 'if-none-match': noneMatch } = req.headers;
    const exists = await store.existsObject(bucket, key);
    if (noneMatch === '*') return !exists;
    if (match === undefined) return true;
    return exists ? (await store.getMetadata(bucket, key)).etag === match : 'missing';
  }

  async function listParts(res: ServerResponse, bucket: string, uploadId: string): Promise<void> {
    const folder = join(uploadsOf(bucket), uploadId);
    const names = await readdir(folder).catch(() => null);
    if (names === null) return refuse(res, 404, 'NoSuchUpload');
    const numbers = names.filter(name => /^\d+$/.test(name) && names.includes(`${name}.md5`)).sort((a, b) => +a - +b);
    const checked = withChecksums.has(uploadId);
    const parts = await Promise.all(
      numbers.map(async number => {
        const path = join(folder, number);
        const crc = checked ? `<ChecksumCRC32C>${await crc32cOf(path)}</ChecksumCRC32C>` : '';
        return `<Part><PartNumber>${number}</PartNumber><ETag>"${await readFile(`${path}.md5`, 'utf8')}"</ETag><Size>${(await stat(path)).size}</Size>${crc}</Part>`;
      }),
    );
    const kind = checked ? '<ChecksumAlgorithm>CRC32C</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>' : '';
    answer(res, 200, `<ListPartsResult><IsTruncated>false</IsTruncated>${kind}${parts.join('')}</ListPartsResult>`);
  }

  async function openUploads(bucket: string): Promise<string[]> {
    return readdir(uploadsOf(bucket)).catch(() => []);
  }

  async function listUploads(res: ServerResponse, bucket: string): Promise<void> {
    const begun = new Date(begunAtMs ?? Date.now()).toISOString();
    const uploads = await Promise.all(
      (await openUploads(bucket)).map(async id => {
        const key = await readFile(join(uploadsOf(bucket), id, 'key'), 'utf8');
        return `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${begun}</Initiated></Upload>`;
      }),
    );
    answer(
      res,
      200,
      `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${uploads.join('')}</ListMultipartUploadsResult>`,
    );
  }

  async function listObjects(res: ServerResponse, bucket: string, query: URLSearchParams): Promise<void> {
    const { objects } = await store.listObjects(bucket, { prefix: query.get('prefix') ?? '', maxKeys: Infinity });
    const after = Buffer.from(query.get('continuation-token') ?? '', 'base64').toString();
    const rest = objects.filter(({ key }) => key > after).sort((a, b) => (a.key < b.key ? -1 : 1));
    const page = rest.slice(0, Number(query.get('max-keys') ?? 1_000));
    const isTruncated = page.length < rest.length;
    const last = Buffer.from(page.at(-1)?.key ?? '').toString('base64');
    const contents = page.map(
      object =>
        `<Contents><Key>${object.key}</Key><LastModified>${object.lastModifiedDate.toISOString()}</LastModified><ETag>${object.metadata.etag}</ETag><Size>${object.size}</Size></Contents>`,
    );
    const token = isTruncated ? `<NextContinuationToken>${last}</NextContinuationToken>` : '';
    answer(
      res,
      200,
      `<ListBucketResult><IsTruncated>${isTruncated}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`,
    );
  }

  async function copyPart(req: IncomingMessage, res: ServerResponse, bucket: string, query: URLSearchParams) {
    const [from = '', ...rest] = decodeURIComponent(String(req.headers['x-amz-copy-source'])).split('/');
    const [, start = '0', end = '0'] = /^bytes=(\d+)-(\d+)$/.exec(String(req.headers['x-amz-copy-source-range'])) ?? [];
    const bytes = Buffer.alloc(Number(end) - Number(start) + 1);
    const source = await open(objectPath(from, rest.join('/')), 'r');
    await source.read(bytes, 0, bytes.length, Number(start)).finally(() => source.close());
    const path = join(uploadsOf(bucket), query.get('uploadId') ?? '', query.get('partNumber') ?? '');
    const md5 = createHash('md5').update(bytes).digest('hex');
    for (const [name, content] of [
      [path, bytes],
      [`${path}.md5`, md5],
    ] as const) {
      const file = await open(name, 'w');
      await file.writeFile(content).finally(() => file.close());
    }
    answer(res, 200, `<CopyPartResult><ETag>"${md5}"</ETag></CopyPartResult>`);
  }

  function noteWanted(req: IncomingMessage, bucket: string, key: string): void {
    const wanted = req.headers['x-amz-checksum-crc32c'];
    if (typeof wanted === 'string') wantedCrc32c.set(`${bucket}/${key}`, wanted);
    else wantedCrc32c.delete(`${bucket}/${key}`);
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? '/', 'http://127.0.0.1');
    const [bucket = '', ...segments] = decodeURIComponent(url.pathname).split('/').slice(1);
    const key = segments.join('/');
    const query = url.searchParams;
    const uploadId = query.get('uploadId');
    const isKnown = options.buckets.includes(bucket);
    if (isKnown && req.method === 'GET' && key === '' && query.has('uploads')) return listUploads(res, bucket);
    if (isKnown && req.method === 'GET' && query.get('list-type') === '2') return listObjects(res, bucket, query);
    if (uploadId !== null) {
      if (req.method === 'GET') return listParts(res, bucket, uploadId);
      if (!(await openUploads(bucket)).includes(uploadId)) return refuse(res, 404, 'NoSuchUpload');
      if (req.method === 'DELETE') {
        await rm(join(uploadsOf(bucket), uploadId), { recursive: true, force: true });
        res.writeHead(204).end();
        return;
      }
      if (req.method === 'PUT' && 'x-amz-copy-source' in req.headers) return copyPart(req, res, bucket, query);
    }
    if (req.method === 'POST' && query.has('uploads') && takesChecksums) {
      res.setHeader('x-amz-checksum-algorithm', 'CRC32C');
      res.setHeader('x-amz-checksum-type', 'FULL_OBJECT');
    }
    const isCommit = req.method === 'POST' ? uploadId !== null : req.method === 'PUT' && uploadId === null;
    if (isCommit) noteWanted(req, bucket, key);
    if (isCommit && options.conditions !== false) {
      const holds = await conditionHolds(req, bucket, key);
      if (holds !== true)
        return refuse(res, holds === 'missing' ? 404 : 412, holds === 'missing' ? 'NoSuchKey' : 'PreconditionFailed');
    }
    const crc = wholeCrc32c.get(`${bucket}/${key}`);
    if (req.method === 'HEAD' && crc !== undefined) {
      res.setHeader('x-amz-checksum-crc32c', crc);
      res.setHeader('x-amz-checksum-type', 'FULL_OBJECT');
    }
    if (req.method === 'PUT') {
      res.once('finish', () => {
        if (res.statusCode < 300) receivedBytes += Number(req.headers['content-length'] ?? 0);
      });
    }
    if (isCommit && losesAnswer) {
      losesAnswer = false;
      res.end = () => res.destroy();
    }
    inner(req, res);
  }

  const underWay = requestsUnderWay();
  /** One request to a key at a time, up to the head of an answer to a read and the end of all others. */
  const server = createServer(async (req, res) => {
    const path = (req.url ?? '').split('?')[0] ?? '';
    const isPart = (req.url ?? '').includes('partNumber=');
    const before = ends.get(path);
    const ended = Promise.withResolvers<void>();
    if (!isPart)
      ends.set(
        path,
        (before ?? Promise.resolve()).then(() => ended.promise),
      );
    res.once('close', ended.resolve);
    underWay.track(once(res, 'close'));
    if (req.method === 'GET' || req.method === 'HEAD') {
      const writeHead = res.writeHead;
      res.writeHead = (...args: [number]) => {
        ended.resolve();
        return writeHead.apply(res, args);
      };
    }
    if (!isPart) await before;
    if (res.destroyed) return ended.resolve();
    await handle(req, res).catch(error => {
      if (!res.headersSent) refuse(res, 500, 'InternalError');
      else res.destroy(error);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    objectPath,
    receivedBytes: () => receivedBytes,
    atRest: underWay.atRest,
    openUploads,
    async seed(bucket, keys) {
      for (const key of keys) {
        await mkdir(dirname(objectPath(bucket, key)), { recursive: true });
        await writeFile(objectPath(bucket, key), '');
      }
    },
    setBegun: atMs => {
      begunAtMs = atMs;
    },
    loseNextAnswer: () => {
      losesAnswer = true;
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      app.logger.exceptions.unhandle();
      await kept.remove();
    },
  };
}
