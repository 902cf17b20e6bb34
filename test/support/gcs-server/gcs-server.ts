/**
 * Owns a loopback server that behaves as the JSON API of Google Cloud Storage is documented to, since the service itself cannot
 * be had here: cloud.google.com/storage/docs/json_api/v1 and the pages that its parts name.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { requestsUnderWay } from '../requests-under-way.ts';
import { createBuckets, createContentDigest, resourceOf, type StoredObject } from './bucket-objects.ts';
import { checkSignedUrl, grantToken, isFrom, type TestAccount } from './credentials.ts';
import { createFaults, type Fault, type Faults, type Operation } from './faults.ts';
import { conditionNotMet, GoogleError } from './google-error.ts';
import { createUploads } from './uploads.ts';

export interface GcsServerOptions {
  readonly buckets: readonly string[];
  /** Who is let in; anybody where left out. */
  readonly account?: TestAccount;
  /** What the account may do; everything where left out. */
  readonly permissions?: readonly string[];
  /** Bytes that one rewrite call copies; larger objects take several. */
  readonly rewriteBytes?: number;
  /** Objects of one listing at most. Source: cloud.google.com/storage/docs/json_api/v1/objects/list, "maxResults". */
  readonly pageSize?: number;
  /** Counts and hashes what comes, and keeps none of it. */
  readonly discards?: boolean;
  /** Where session URIs point instead of here. */
  readonly sinkUrl?: string;
  /** Called with the bytes of uploads that have come, as they come. */
  readonly onReceived?: (totalBytes: number) => void;
  /** The server's clock. */
  readonly clock?: () => number;
}

export interface GcsServer {
  readonly url: string;
  readonly faults: Faults;
  /** Requests answered or begun, by what they were. */
  readonly requests: ReadonlyMap<Operation, number>;
  receivedBytes(bucket?: string): number;
  /** Resolves when no request is under way, cut ones included: nothing more is received then. */
  atRest(): Promise<void>;
  /** Puts an object past the API. */
  put(bucket: string, name: string, bytes: Uint8Array): void;
  object(bucket: string, name: string): StoredObject | null;
  /** Cuts every connection, as a network does. */
  dropConnections(): void;
  stop(): Promise<void>;
}

const everything = ['create', 'get', 'list', 'delete', 'update'].map(verb => `storage.objects.${verb}`);
const permissionOf: Readonly<Partial<Record<Operation, string>>> = {
  get: 'storage.objects.get',
  media: 'storage.objects.get',
  list: 'storage.objects.list',
  delete: 'storage.objects.delete',
  upload: 'storage.objects.create',
  session: 'storage.objects.create',
  rewrite: 'storage.objects.create',
};

export async function startGcsServer(options: GcsServerOptions): Promise<GcsServer> {
  const { account, rewriteBytes = 1024 * 1024, pageSize = 1_000, discards = false, clock = Date.now } = options;
  const permissions = options.permissions ?? everything;
  const buckets = createBuckets();
  for (const bucket of options.buckets) buckets.make(bucket);
  const faults = createFaults();
  const received = new Map<string, number>();
  const requests = new Map<Operation, number>();
  const rewrites = new Map<string, number>();
  let totalBytes = 0;
  const uploads = createUploads(buckets, {
    discards,
    onBytes(bucket, count) {
      received.set(bucket, (received.get(bucket) ?? 0) + count);
      totalBytes += count;
      options.onReceived?.(totalBytes);
    },
  });

  /** Lets the request in, and gives the fault that hits it. Throws what it is refused with. */
  function admit(operation: Operation, request: IncomingMessage, subject = ''): Fault | null {
    requests.set(operation, (requests.get(operation) ?? 0) + 1);
    const fault = faults.take(operation);
    if (account === undefined || operation === 'token' || operation === 'part' || operation === 'status') return fault;
    if (!isFrom(account, request.headers.authorization, clock())) {
      throw new GoogleError(401, 'authError', 'Invalid Credentials', { 'www-authenticate': 'Bearer' });
    }
    const permission = permissionOf[operation];
    if (permission !== undefined && !permissions.includes(permission)) {
      throw new GoogleError(
        403,
        'forbidden',
        `${account.email} does not have ${permission} access to the Google Cloud Storage object. Permission '${permission}' denied on resource (or it may not exist). ${subject}`,
      );
    }
    return fault;
  }

  function json(response: ServerResponse, value: unknown, headers: Record<string, string> = {}): void {
    response.writeHead(200, { 'content-type': 'application/json; charset=UTF-8', ...headers });
    response.end(JSON.stringify(value));
  }

  function media(request: IncomingMessage, response: ServerResponse, object: StoredObject, fault: Fault | null): void {
    const hash = [`crc32c=${object.crc32c}`, ...(object.md5Hash === undefined ? [] : [`md5=${object.md5Hash}`])];
    const headers: Record<string, string> = {
      'content-type': 'application/octet-stream',
      'x-goog-generation': String(object.generation),
      'x-goog-stored-content-encoding': 'identity',
      'x-goog-stored-content-length': String(object.sizeBytes),
      'x-goog-hash': hash.join(','),
    };
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const start = first === undefined ? 0 : Number(first);
    if (first !== undefined && start >= object.sizeBytes) {
      throw new GoogleError(416, 'requestedRangeNotSatisfiable', 'Request range not satisfiable', {
        'content-range': `bytes */${object.sizeBytes}`,
      });
    }
    const end = Math.min(object.sizeBytes, last ? Number(last) + 1 : object.sizeBytes);
    const bytes = Buffer.from(object.bytes.subarray(start, end));
    if (fault?.kind === 'corrupt') bytes[0] = (bytes[0] ?? 0) ^ 1;
    if (first !== undefined) headers['content-range'] = `bytes ${start}-${end - 1}/${object.sizeBytes}`;
    response.writeHead(first === undefined ? 200 : 206, { ...headers, 'content-length': String(bytes.length) });
    if (fault?.kind !== 'truncate') response.end(bytes);
    else response.write(bytes.subarray(0, fault.bytes), () => response.destroy());
  }

  /** Source: cloud.google.com/storage/docs/json_api/v1/objects/list */
  function list(bucket: string, query: URLSearchParams) {
    const prefix = query.get('prefix') ?? '';
    const after = Buffer.from(query.get('pageToken') ?? '', 'base64url').toString();
    const names = [...buckets.objects(bucket).keys()].filter(name => name.startsWith(prefix) && name > after).sort();
    const page = names.slice(0, Math.min(pageSize, Number(query.get('maxResults') ?? pageSize)));
    const last = page.at(-1);
    return {
      kind: 'storage#objects',
      // An empty list has no items at all.
      ...(page.length === 0 ? {} : { items: page.map(name => resourceOf(bucket, buckets.find(bucket, name))) }),
      ...(last === undefined || page.length === names.length
        ? {}
        : { nextPageToken: Buffer.from(last).toString('base64url') }),
    };
  }

  /** Source: cloud.google.com/storage/docs/json_api/v1/objects/rewrite */
  function rewrite(from: StoredObject, bucket: string, name: string, query: URLSearchParams) {
    const match = query.get('ifGenerationMatch');
    buckets.hold(bucket, name, match);
    const token = query.get('rewriteToken');
    const id = `${from.generation} ${bucket} ${name} ${match}`;
    if (token !== null && token !== Buffer.from(id).toString('base64url')) {
      throw new GoogleError(400, 'invalid', 'The rewrite token does not fit the request.');
    }
    const doneBytes = Math.min(from.sizeBytes, (token === null ? 0 : (rewrites.get(id) ?? 0)) + rewriteBytes);
    const answer = {
      kind: 'storage#rewriteResponse',
      totalBytesRewritten: String(doneBytes),
      objectSize: String(from.sizeBytes),
    };
    if (doneBytes < from.sizeBytes) {
      rewrites.set(id, doneBytes);
      return { ...answer, done: false, rewriteToken: Buffer.from(id).toString('base64url') };
    }
    const digest = createContentDigest(true);
    digest.add(from.bytes);
    const wish = { name, metadata: from.metadata };
    return {
      ...answer,
      done: true,
      resource: resourceOf(bucket, buckets.store(bucket, wish, from.bytes, digest, match)),
    };
  }

  async function upload(request: IncomingMessage, response: ServerResponse, bucket: string, query: URLSearchParams) {
    const match = query.get('ifGenerationMatch');
    const type = query.get('uploadType');
    if (type === 'resumable') {
      admit('session', request, bucket);
      const name = query.get('name') ?? '';
      if (match !== null) buckets.hold(bucket, name, match);
      const id = await uploads.begin(request, bucket, name, match, true);
      const base = options.sinkUrl ?? `http://${request.headers.host}`;
      response.writeHead(200, {
        location: `${base}/upload/storage/v1/b/${bucket}/o?uploadType=resumable&upload_id=${id}`,
      });
      response.end();
      return;
    }
    const fault = admit('upload', request, bucket);
    const object =
      type === 'multipart'
        ? await uploads.multipart(request, bucket, match, fault)
        : await uploads.media(request, bucket, query.get('name') ?? '', match, fault);
    if (fault?.kind === 'lose-answer') response.destroy();
    else json(response, resourceOf(bucket, object));
  }

  async function part(request: IncomingMessage, response: ServerResponse, id: string): Promise<void> {
    const isQuery = (request.headers['content-range'] ?? '').startsWith('bytes */');
    const fault = admit(isQuery ? 'status' : 'part', request);
    const answer = await uploads.put(request, id, fault);
    if (fault?.kind === 'lose-answer') return void response.destroy();
    if ('object' in answer) return json(response, resourceOf(answer.bucket, answer.object));
    response.writeHead(308, answer.range === null ? {} : { range: answer.range });
    response.end();
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`);
    const query = url.searchParams;
    const method = request.method ?? 'GET';
    const id = query.get('upload_id');
    if (url.pathname === '/token' && account !== undefined) {
      admit('token', request);
      const { status, body } = grantToken(await text(request), account, clock());
      response.writeHead(status, { 'content-type': 'application/json' });
      return void response.end(body);
    }
    if (id !== null) {
      if (method !== 'DELETE') return part(request, response, id);
      uploads.cancel(id);
      response.writeHead(499);
      return void response.end();
    }
    const uploadTo = /^\/upload\/storage\/v1\/b\/([^/]+)\/o$/.exec(url.pathname)?.[1];
    if (uploadTo !== undefined && method === 'POST') return upload(request, response, uploadTo, query);
    const permissionsOf = /^\/storage\/v1\/b\/([^/]+)\/iam\/testPermissions$/.exec(url.pathname)?.[1];
    if (permissionsOf !== undefined) {
      admit('permissions', request);
      buckets.objects(permissionsOf);
      const granted = query.getAll('permissions').filter(permission => permissions.includes(permission));
      return json(response, {
        kind: 'storage#testIamPermissionsResponse',
        ...(granted.length === 0 ? {} : { permissions: granted }),
      });
    }
    const listed = /^\/storage\/v1\/b\/([^/]+)\/o$/.exec(url.pathname)?.[1];
    if (listed !== undefined && method === 'GET') {
      admit('list', request, listed);
      return json(response, list(listed, query));
    }
    const [, bucket = '', encoded, toBucket, toName] =
      /^\/storage\/v1\/b\/([^/]+)\/o\/([^/]+)(?:\/rewriteTo\/b\/([^/]+)\/o\/([^/]+))?$/.exec(url.pathname) ?? [];
    if (encoded !== undefined) {
      const name = decodeURIComponent(encoded);
      if (toBucket !== undefined && toName !== undefined) {
        admit('rewrite', request, name);
        return json(response, rewrite(buckets.find(bucket, name), toBucket, decodeURIComponent(toName), query));
      }
      if (method === 'DELETE') {
        admit('delete', request, name);
        const match = query.get('ifGenerationMatch');
        if (match !== null && String(buckets.find(bucket, name).generation) !== match) throw conditionNotMet();
        buckets.find(bucket, name);
        buckets.objects(bucket).delete(name);
        response.writeHead(204);
        return void response.end();
      }
      const isMedia = query.get('alt') === 'media';
      const fault = admit(isMedia ? 'media' : 'get', request, name);
      const object = buckets.find(bucket, name);
      return isMedia ? media(request, response, object, fault) : json(response, resourceOf(bucket, object));
    }
    if (method === 'GET' && query.has('X-Goog-Signature') && account !== undefined) {
      checkSignedUrl(url, account, clock());
      const [, signedBucket = '', signedName = ''] = /^\/([^/]+)\/(.+)$/.exec(decodeURIComponent(url.pathname)) ?? [];
      return media(request, response, buckets.find(signedBucket, signedName), null);
    }
    throw new GoogleError(404, 'notFound', 'Not Found');
  }

  const underWay = requestsUnderWay();
  const server = createServer((request, response) => {
    response.setHeader('date', new Date(clock()).toUTCString());
    const answered = answer(request, response).catch((error: unknown) => {
      if (response.headersSent || !request.socket || request.socket.destroyed) return void response.destroy();
      const refused = error instanceof GoogleError ? error : new GoogleError(500, 'internalError', String(error));
      response.writeHead(refused.status, { 'content-type': 'application/json; charset=UTF-8', ...refused.headers });
      response.end(refused.body);
    });
    underWay.track(answered);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    faults,
    requests,
    receivedBytes: bucket =>
      bucket === undefined
        ? [...received.values()].reduce((sum, count) => sum + count, 0)
        : (received.get(bucket) ?? 0),
    atRest: underWay.atRest,
    put(bucket, name, bytes) {
      const digest = createContentDigest(true);
      digest.add(bytes);
      buckets.store(bucket, { name }, Buffer.from(bytes), digest, null);
    },
    object: (bucket, name) => buckets.objects(bucket).get(name) ?? null,
    dropConnections: () => server.closeAllConnections(),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
