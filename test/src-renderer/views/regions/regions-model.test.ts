/** What the regions view says of one artifact. */
import { describe, expect, it } from 'vitest';
import type { RegionView, ReplicaView } from '../../../../src-main/contract/views/region.ts';
import {
  checkAccessForm,
  checkRegionForm,
  emptyRegionForm,
  storeKindOf,
} from '../../../../src-renderer/views/regions/add-region-model.ts';
import { cloudLocations, parseLocations } from '../../../../src-renderer/views/regions/cloud-locations.ts';
import {
  type ArtifactView,
  firstChoice,
  flightWords,
  legend,
  regionCodes,
  regionRows,
} from '../../../../src-renderer/views/regions/regions-model.ts';

const region = (id: string, change: Partial<RegionView> = {}): RegionView => ({
  id,
  name: id,
  location: 'europe-west3',
  latitude: 50,
  longitude: 8,
  storeUrl: 'file:///srv/blobs',
  provider: 'Folder',
  isMain: false,
  paused: false,
  state: 'verified',
  packCount: 1,
  bytesStored: 1,
  behind: 0,
  behindBytes: 0,
  lagMs: 0,
  bytesPerSecond: null,
  etaMs: null,
  limits: { concurrency: 2, bytesPerSecond: null, auditDays: 30 },
  traffic: { today: { sentBytes: 0, readBytes: 0 }, days30: { sentBytes: 0, readBytes: 0 } },
  audit: { lookedAtMs: null, oldestProofAtMs: null },
  error: null,
  ...change,
});
const replica = (regionId: string, change: Partial<ReplicaView> = {}): ReplicaView => ({
  packDigest: 'd',
  buildId: 'b',
  regionId,
  status: 'verified',
  bytesDone: 1_000,
  bytesTotal: 1_000,
  bytesPerSecond: null,
  attempts: 1,
  nextAttemptAtMs: null,
  startedAtMs: null,
  verifiedAtMs: 1,
  lagMs: 5_000,
  error: null,
  ...change,
});
const artifact = (replicas: ReplicaView[]): ArtifactView => ({
  id: 'b',
  jobId: 'j',
  repositoryId: 'r',
  repositoryName: 'timetable',
  revision: { revision: 'a'.repeat(40), subject: 's', authorName: 'n', committedAtMs: null },
  artifactId: 'x',
  packDigest: 'd',
  infoHash: 'h',
  sizeBytes: 1_000,
  treeSizeBytes: 2_000,
  fileCount: 1,
  platform: 'linux/x64',
  createdAtMs: 0,
  reclaimedAtMs: null,
  pinnedAtMs: null,
  regionsVerified: 0,
  regionsTotal: 0,
  replicas,
});

describe('regionRows', () => {
  const regions = [
    region('verified'),
    region('pending'),
    region('copying'),
    region('failed'),
    region('stale', { paused: true }),
    region('main', { isMain: true }),
  ];
  const shown = artifact([
    replica('verified'),
    replica('copying', { status: 'copying', bytesDone: 420, bytesPerSecond: 58 }),
    replica('failed', {
      status: 'failed',
      bytesDone: 0,
      nextAttemptAtMs: 20_000,
      error: { code: 'store.unreachable', message: 'm', details: {}, retry: 'automatic' },
    }),
    replica('stale', { status: 'stale' }),
  ]);

  it('puts the main store first, then the worst', () => {
    const rows = regionRows(regions, shown, 10_000);
    expect(rows.map(row => row.id)).toEqual(['main', 'failed', 'stale', 'copying', 'pending', 'verified']);
    expect(rows.map(row => row.word)).toEqual([
      'main store',
      'failed',
      'stale',
      'copying 42 %',
      'not kept',
      'verified',
    ]);
    expect(firstChoice(rows)).toBe('failed');
  });

  it('says when something goes on', () => {
    const rows = regionRows(regions, shown, 10_000);
    expect(rows.find(row => row.id === 'failed')?.detail).toBe('tries again in 10 s');
    expect(rows.find(row => row.id === 'copying')).toMatchObject({
      detail: '10 s left',
      progress: 0.42,
      rate: '58 B/s',
    });
    expect(rows.find(row => row.id === 'stale')?.detail).toBe('paused');
    expect(rows.find(row => row.id === 'verified')?.lag).toBe('none');
  });

  it('counts the regions, not the main store', () => {
    expect(legend(regionRows(regions, shown, 0)).map(entry => `${entry.count} ${entry.word}`)).toEqual([
      '1 failed',
      '1 stale',
      '1 copying',
      '1 pending',
      '1 verified',
    ]);
  });

  it('shows the places before there is an artifact', () => {
    expect(regionRows(regions, null, 0)).toHaveLength(regions.length);
    expect(firstChoice(regionRows([region('main', { isMain: true })], null, 0))).toBe('main');
    expect(firstChoice([])).toBeNull();
  });

  it('adds up what is in flight', () => {
    expect(flightWords([shown])).toBe('1 copy in flight, 58 B/s');
    expect(flightWords([artifact([])])).toBeNull();
  });
});

describe('regionCodes', () => {
  it('gives each region a code of its own', () => {
    expect(regionCodes(['São Paulo', 'Sapporo', 'Saõx', '東京', '大阪'])).toEqual(['sao', 'sap', 'sa2', 'r', 'r2']);
  });
});

describe('checkRegionForm', () => {
  const form = {
    ...emptyRegionForm,
    elsewhere: true,
    name: ' Oslo ',
    latitude: '59,9',
    longitude: '−10.75',
    storeUrl: ' /srv/oslo ',
  };

  it('reads degrees as people type them', () => {
    expect(checkRegionForm(form)).toEqual({
      ok: true,
      input: { name: 'Oslo', location: '', latitude: 59.9, longitude: -10.75, storeUrl: '/srv/oslo' },
    });
  });

  it.each(['', '91', 'north', '1e1', '--5', 'NaN'])('refuses “%s” as a latitude', latitude => {
    const checked = checkRegionForm({ ...form, latitude });
    expect(checked.ok ? null : checked.problems.latitude).toBe('A number from −90 to 90.');
  });

  it('says what each empty field lacks', () => {
    const checked = checkRegionForm(emptyRegionForm);
    expect(checked.ok ? [] : Object.keys(checked.problems)).toEqual(['place', 'name', 'storeUrl']);
  });

  it('takes credentials of the kind that the store has, and says what they lack', () => {
    const gcs = { ...form, kind: 'gcs', storeUrl: 'gs://blobs/team' } as const;
    expect(checkRegionForm(gcs)).toMatchObject({ ok: true, input: { storeUrl: 'gs://blobs/team' } });
    expect(checkRegionForm({ ...gcs, storeUrl: '/srv/oslo' })).toMatchObject({
      ok: false,
      problems: { storeUrl: expect.stringContaining('gs:') },
    });
    const json = '{"type":"service_account"}';
    expect(checkRegionForm({ ...gcs, access: 'service-account', secret: json })).toMatchObject({
      input: { access: { kind: 'service-account', json } },
    });
    for (const secret of ['', '{', '{"type":"authorized_user"}']) {
      const checked = checkRegionForm({ ...gcs, access: 'service-account', secret });
      expect(checked.ok ? null : checked.problems.secret, secret).toEqual(expect.any(String));
    }
    const s3 = { ...form, kind: 's3', storeUrl: 's3://blobs', access: 'access-key', accessId: 'AKIA' } as const;
    expect(checkRegionForm({ ...s3, secret: ' key ' })).toMatchObject({
      input: { access: { kind: 'access-key', accessKeyId: 'AKIA', secretAccessKey: 'key' } },
    });
    expect(checkRegionForm({ ...s3, accessId: '' })).toMatchObject({
      problems: { accessId: expect.any(String), secret: expect.any(String) },
    });
  });
});

describe('cloudLocations', () => {
  it('has the shipped list, all on the globe', () => {
    for (const [provider, atLeast] of Object.entries({ gcs: 43, s3: 34, azure: 40 })) {
      const ids = cloudLocations.filter(one => one.provider === provider).map(one => one.id);
      expect(ids.length, provider).toBeGreaterThanOrEqual(atLeast);
      expect(new Set(ids).size, provider).toBe(ids.length);
    }
    for (const { latitude, longitude } of cloudLocations) {
      expect(Math.abs(latitude)).toBeLessThanOrEqual(90);
      expect(Math.abs(longitude)).toBeLessThanOrEqual(180);
    }
  });

  it('leaves out what is no place', () => {
    expect(
      parseLocations([{ id: 'a', provider: 's3', name: 'A', latitude: 1, longitude: 2 }, { id: 'b' }, null, 3]),
    ).toHaveLength(1);
    expect(parseLocations('nothing')).toEqual([]);
  });
});

describe("the form of a store's credentials", () => {
  it('knows the kind of a store by its URL', () => {
    expect(storeKindOf('gs://blobs/team')).toBe('gcs');
    expect(storeKindOf('s3://blobs?region=eu-west-1')).toBe('s3');
    expect(storeKindOf('azure://account/container')).toBe('azure');
    expect(storeKindOf('file:///srv/blobs')).toBe('folder');
    expect(storeKindOf('/srv/blobs')).toBe('folder');
  });

  it('gives what the engine takes, nothing for the tools of the provider, and says what is missing', () => {
    expect(checkAccessForm({ access: 'chain', accessId: '', secret: '' })).toEqual({ ok: true, input: null });
    expect(checkAccessForm({ access: 'access-key', accessId: ' AK ', secret: ' key ' })).toEqual({
      ok: true,
      input: { kind: 'access-key', accessKeyId: 'AK', secretAccessKey: 'key' },
    });
    expect(checkAccessForm({ access: 'access-key', accessId: '', secret: '' })).toMatchObject({
      ok: false,
      problems: { accessId: expect.any(String), secret: expect.any(String) },
    });
  });
});
