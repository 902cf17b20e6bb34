/** What the swarm view says. */
import { describe, expect, it } from 'vitest';
import type { SwarmView, TorrentView } from '../../../../src-main/contract/views/swarm.ts';
import {
  ratioOf,
  reachOf,
  spared,
  swarmSituation,
  torrentsInOrder,
} from '../../../../src-renderer/views/swarm/swarm-model.ts';

const torrent = (repositoryName: string, change: Partial<TorrentView> = {}): TorrentView => ({
  infoHash: repositoryName,
  packDigest: 'd',
  repositoryName,
  revision: 'a',
  sizeBytes: 100,
  peers: 1,
  uploadedBytes: 0,
  downloadedBytes: 0,
  uploadBytesPerSecond: 0,
  downloadBytesPerSecond: 0,
  ...change,
});
const swarm = (change: Partial<SwarmView> = {}): SwarmView => ({
  running: true,
  paused: false,
  pausedUntilMs: null,
  heldBy: null,
  addresses: [],
  port: 6_881,
  trackers: [],
  uploadBytesPerSecond: 0,
  downloadBytesPerSecond: 0,
  uploadedBytes: 0,
  torrents: [torrent('a'), torrent('b')],
  bytes: { peers: 0, region: 0, reuse: 0 },
  error: null,
  ...change,
});

describe('swarmSituation', () => {
  it.each([
    [swarm(), 'verified', 'Seeding 2 packs to 2 peers on port 6881'],
    [swarm({ uploadBytesPerSecond: 1 }), 'running', 'Seeding 2 packs to 2 peers on port 6881'],
    [swarm({ torrents: [], port: null }), 'verified', 'Ready to seed'],
    [swarm({ paused: true }), 'pending', 'Paused: machines fetch from their region’s store'],
    [swarm({ running: false }), 'pending', 'Not running'],
    [
      swarm({ error: { code: 'swarm.unavailable', message: 'm', details: {}, retry: 'automatic' } }),
      'failed',
      'Not seeding',
    ],
  ] as const)('case %#', (view, look, words) => {
    expect(swarmSituation(view)).toEqual({ look, words });
  });
});

describe('torrents', () => {
  it('puts the busiest first', () => {
    const order = torrentsInOrder([
      torrent('idle'),
      torrent('given', { uploadedBytes: 9 }),
      torrent('busy', { uploadBytesPerSecond: 1 }),
    ]);
    expect(order.map(one => one.repositoryName)).toEqual(['busy', 'given', 'idle']);
  });

  it('has a ratio once something was given', () => {
    expect(ratioOf({ uploadedBytes: 240, sizeBytes: 100 })).toBe('2.4');
    expect(ratioOf({ uploadedBytes: 0, sizeBytes: 0 })).toBe('–');
  });
});

describe('spared', () => {
  it('is silent before anything was fetched', () => {
    expect(spared({ peers: 0, region: 0, reuse: 0 })).toBeNull();
    expect(spared({ peers: 1, region: 1, reuse: 2 })).toMatch(/^75 %/);
  });
});

it('says who may fetch from here, and that the interface is not there', () => {
  expect(reachOf({ addresses: [], port: 6881 })).toMatch(/^Only this machine .* swarm\.listen/);
  expect(reachOf({ addresses: ['192.0.2.7', '2001:db8::7'], port: null })).toMatch(/192\.0\.2\.7, 2001:db8::7: .* API/);
  expect(reachOf({ addresses: ['192.0.2.7'], port: 6881 })).toContain('192.0.2.7:6881');
});
