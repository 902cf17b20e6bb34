/** Owns what makes the form of a new region complete. Pure; the engine checks the store itself. */
import type { StoreAccess } from '../../../src-main/contract/store-access.ts';
import type { Checked } from './region-form-dialog.tsx';

export type StoreKind = 'folder' | 'gcs' | 's3' | 'azure';
/** `chain`: whatever the provider's own tools find on the machine of the engine. */
export type AccessChoice = 'chain' | StoreAccess['kind'];

/** What opens a store. */
export interface AccessForm {
  readonly access: AccessChoice;
  /** The id of an access key. */
  readonly accessId: string;
  /** What is secret: a JSON file's text, a key, a signature. */
  readonly secret: string;
}

export interface RegionForm extends AccessForm {
  readonly kind: StoreKind;
  /** A cloud location's id; empty with `elsewhere` or before one is chosen. */
  readonly location: string;
  readonly elsewhere: boolean;
  readonly name: string;
  readonly latitude: string;
  readonly longitude: string;
  readonly storeUrl: string;
}

export const emptyRegionForm: RegionForm = {
  kind: 'folder',
  location: '',
  elsewhere: false,
  name: '',
  latitude: '',
  longitude: '',
  storeUrl: '',
  access: 'chain',
  accessId: '',
  secret: '',
};

export interface RegionInput {
  readonly name: string;
  readonly location: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly storeUrl: string;
  readonly access?: StoreAccess;
}

export interface AccessProblems {
  readonly accessId?: string;
  readonly secret?: string;
}

export interface RegionProblems extends AccessProblems {
  readonly place?: string;
  readonly name?: string;
  readonly latitude?: string;
  readonly longitude?: string;
  readonly storeUrl?: string;
}

interface StoreWords {
  readonly label: string;
  readonly schemes: readonly string[];
  /** What a URL of this kind looks like. */
  readonly example: string;
  readonly accesses: readonly AccessChoice[];
}

export const storeKinds: Readonly<Record<StoreKind, StoreWords>> = {
  folder: {
    label: 'Folder',
    schemes: ['file:', '/'],
    example: 'A folder that is there already: /srv/blobs or file:///srv/blobs',
    accesses: ['chain'],
  },
  gcs: {
    label: 'Google Cloud Storage',
    schemes: ['gs:'],
    example: 'A bucket that is there already: gs://bucket or gs://bucket/prefix',
    accesses: ['chain', 'service-account'],
  },
  s3: {
    label: 'Amazon S3 and compatible',
    schemes: ['s3:'],
    example: 's3://bucket/prefix?region=eu-central-1; for others also &endpoint=https://s3.example.com',
    accesses: ['chain', 'access-key'],
  },
  azure: {
    label: 'Azure Blob Storage',
    schemes: ['azure:', 'az:'],
    example: 'azure://account/container/prefix',
    accesses: ['chain', 'account-key', 'shared-access-signature'],
  },
};

export const accessWords: Readonly<Record<AccessChoice, { readonly label: string; readonly secret: string }>> = {
  chain: { label: "What the provider's tools find", secret: '' },
  'service-account': { label: 'Service account', secret: 'JSON of the service account' },
  'access-key': { label: 'Access key', secret: 'Secret access key' },
  'account-key': { label: 'Account key', secret: 'Key of the storage account' },
  'shared-access-signature': { label: 'Shared access signature', secret: 'Signature' },
};

/** The form as the engine wants it, or what each field lacks. */
export function checkRegionForm(form: RegionForm): Checked<RegionInput, RegionProblems> {
  const latitude = degrees(form.latitude, 90);
  const longitude = degrees(form.longitude, 180);
  const placed = form.elsewhere || form.location !== '';
  const problems: RegionProblems = {
    ...(placed ? {} : { place: 'Choose where the store is.' }),
    ...(form.name.trim() ? {} : { name: 'Give the region a name: it stands on the map.' }),
    ...(placed && latitude === null ? { latitude: 'A number from −90 to 90.' } : {}),
    ...(placed && longitude === null ? { longitude: 'A number from −180 to 180.' } : {}),
    ...urlProblem(form),
    ...accessProblems(form),
  };
  if (Object.keys(problems).length > 0 || latitude === null || longitude === null) return { ok: false, problems };
  const access = accessOf(form);
  const input = {
    name: form.name.trim(),
    location: form.location,
    latitude,
    longitude,
    storeUrl: form.storeUrl.trim(),
    ...(access === null ? {} : { access }),
  };
  return { ok: true, input };
}

function urlProblem({ kind, storeUrl }: RegionForm): RegionProblems {
  const url = storeUrl.trim();
  if (url === '') return { storeUrl: 'Say where the copies go.' };
  const { schemes, label } = storeKinds[kind];
  // A folder's path may be of any system; the engine says what it makes of it.
  if (kind === 'folder' || schemes.some(scheme => url.toLowerCase().startsWith(scheme))) return {};
  return { storeUrl: `A store of ${label} begins with ${schemes[0]}//` };
}

/** Null for the provider's own tools. */
export function checkAccessForm(form: AccessForm): Checked<StoreAccess | null, AccessProblems> {
  const problems = accessProblems(form);
  return Object.keys(problems).length > 0 ? { ok: false, problems } : { ok: true, input: accessOf(form) };
}

/** The kind of the store that a URL names. */
export function storeKindOf(storeUrl: string): StoreKind {
  const kinds = ['gcs', 's3', 'azure'] as const;
  return kinds.find(kind => storeKinds[kind].schemes.some(scheme => storeUrl.startsWith(scheme))) ?? 'folder';
}

function accessProblems({ access, accessId, secret }: AccessForm): AccessProblems {
  if (access === 'chain') return {};
  return {
    ...(access === 'access-key' && accessId.trim() === '' ? { accessId: 'The id of the access key.' } : {}),
    ...(secret.trim() === '' ? { secret: 'It is needed to open the store.' } : {}),
    ...(access === 'service-account' && secret.trim() !== '' && !isServiceAccount(secret)
      ? { secret: 'This is not the JSON file of a service account, as Google gives it out.' }
      : {}),
  };
}

function isServiceAccount(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && 'type' in value && value.type === 'service_account';
  } catch {
    return false;
  }
}

function accessOf({ access, accessId, secret }: AccessForm): StoreAccess | null {
  const value = secret.trim();
  switch (access) {
    case 'chain':
      return null;
    case 'service-account':
      return { kind: access, json: value };
    case 'access-key':
      return { kind: access, accessKeyId: accessId.trim(), secretAccessKey: value };
    case 'account-key':
      return { kind: access, accountKey: value };
    case 'shared-access-signature':
      return { kind: access, token: value };
  }
}

/** A number of degrees as people type it, with a point or a comma; null where it is none. */
function degrees(text: string, most: number): number | null {
  const normal = text.trim().replace(',', '.').replace(/^[−–]/, '-');
  if (!/^[+-]?\d{1,3}(?:\.\d+)?$/.test(normal)) return null;
  const value = Number(normal);
  return Math.abs(value) <= most ? value : null;
}
