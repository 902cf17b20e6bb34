/** Owns which credentials open which kind of store, and what may be shown of them. */
import { z } from 'zod';
import { DomainError } from '../contract/errors.ts';
import type { StoreAccess } from '../contract/store-access.ts';
import { type CloudKind, locateStore, storeLabels, withoutCredentials } from './store-location.ts';

export type { StoreAccess } from '../contract/store-access.ts';

const accepted: Readonly<Record<CloudKind, readonly StoreAccess['kind'][]>> = {
  gcs: ['service-account'],
  s3: ['access-key'],
  azure: ['account-key', 'shared-access-signature'],
};
const words: Readonly<Record<StoreAccess['kind'], string>> = {
  'service-account': "a service account's JSON",
  'access-key': 'an access key',
  'account-key': 'an account key',
  'shared-access-signature': 'a shared access signature',
};

/** Throws `input.invalid` where the store at `url` is not opened by such credentials, `store.url_invalid` where it is none. */
export function assertAccessFits(url: string, access: StoreAccess): void {
  const { kind } = locateStore(url);
  if (kind === 'filesystem') {
    throw new DomainError(
      'input.invalid',
      `${withoutCredentials(url)} is a folder: the file system says who may use it.`,
      {},
    );
  }
  if (accepted[kind].includes(access.kind)) return;
  const wanted = accepted[kind].map(one => words[one]).join(' or ');
  throw new DomainError('input.invalid', `${storeLabels[kind]} is opened with ${wanted}, not ${words[access.kind]}.`, {
    given: access.kind,
    accepted: accepted[kind],
  });
}

const namedSchema = z.object({ client_email: z.string().max(300) });

/** Whose credentials these are, where they say it; never what is secret. */
export function identityOf(access: StoreAccess): string {
  if (access.kind === 'access-key') return access.accessKeyId;
  if (access.kind !== 'service-account') return '';
  try {
    return namedSchema.parse(JSON.parse(access.json)).client_email;
  } catch {
    return '';
  }
}
