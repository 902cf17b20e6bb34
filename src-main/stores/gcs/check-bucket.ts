/** Owns the question whether a bucket is there and may be used, with the missing permission by its name. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { DomainError } from '../../contract/errors.ts';
import type { GcsClient } from './gcs-client.ts';

/** What a store does. Source: cloud.google.com/storage/docs/access-control/iam-json */
const needed = [
  'storage.objects.create',
  'storage.objects.get',
  'storage.objects.list',
  'storage.objects.delete',
] as const;

const grantedSchema = z.object({ permissions: z.array(z.string()).default([]) });

/**
 * Asks which permissions the credentials have, which needs none itself, then writes and removes a probe: billing, retention and
 * quota show in a write alone. Throws `store.*`. Source: cloud.google.com/storage/docs/json_api/v1/buckets/testIamPermissions
 */
export async function checkBucket(client: GcsClient, prefix: string): Promise<void> {
  const { bucket } = client;
  const query = needed.map(permission => `permissions=${permission}`).join('&');
  const { response } = await client.send({
    method: 'GET',
    path: `/storage/v1/b/${bucket}/iam/testPermissions?${query}`,
    // Emulators may not know the question; the probe asks another.
    expected: [404, 405, 501],
    subject: { permission: 'storage.buckets.get' },
  });
  const body = await response.text();
  if (response.ok) {
    const { permissions } = grantedSchema.parse(JSON.parse(body));
    const missing = needed.filter(permission => !permissions.includes(permission));
    if (missing.length > 0) {
      throw new DomainError(
        'store.forbidden',
        `The credentials lack ${missing.join(', ')} on bucket ${bucket}. Grant their account the role roles/storage.objectAdmin on the bucket.`,
        { bucket, missing },
      );
    }
  } else if (/bucket does not exist/i.test(body)) {
    throw client.failure(response.status, response.headers, body, { permission: '' });
  }
  await probe(client, prefix);
}

/** A name with a dot in front is no key, so that no listing shows it. */
async function probe(client: GcsClient, prefix: string): Promise<void> {
  const name = `${prefix}.slipway-check-${randomUUID()}`;
  await client.send({
    method: 'POST',
    path: `/upload/storage/v1/b/${client.bucket}/o`,
    query: { uploadType: 'media', name },
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.from('slipway'),
    subject: { permission: 'storage.objects.create' },
  });
  await client.send({
    method: 'DELETE',
    path: `/storage/v1/b/${client.bucket}/o/${encodeURIComponent(name)}`,
    expected: [404],
    subject: { permission: 'storage.objects.delete' },
  });
}
