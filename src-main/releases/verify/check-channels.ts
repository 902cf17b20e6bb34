/** Owns the check of channels and machines: pointers, the environments that they name, reports and seeder notes. */
import { type BuildFacts, channelNameSchema, idSchema, type Pointer, storeKeys } from '../../contract/documents.ts';
import { DomainError } from '../../contract/errors.ts';
import { keyIdOf } from '../../secrets/signing-keys.ts';
import { verifyReport } from '../machine-report.ts';
import { verifyPointer } from '../pointer-document.ts';
import { seederKey, verifySeeder } from '../seeder-document.ts';
import { maxDocumentBytes } from '../signed-document.ts';
import { activeReleaseKeys } from '../trust-document.ts';
import { type StoreCheck, type Trusted, unknownName } from './store-check.ts';
import { assertStrictEnvelope } from './strict-envelope.ts';

const pointerKey = /^channels\/([^/]+)\/([^/]+)\.json$/;
const environmentKey = /^channels\/([^/]+)\/([^/]+)\/env\/([0-9a-f]{64})\.age$/;

function wrong(pointer: Pointer, what: string): DomainError {
  return new DomainError(
    'trust.untrusted',
    `The pointer of channel ${pointer.channel}, serial ${pointer.serial}, ${what}. Release again.`,
    { serial: pointer.serial },
  );
}

function assertInOrder(pointer: Pointer): void {
  if (pointer.previous !== null && pointer.previous.serial >= pointer.serial) {
    throw wrong(pointer, `says that serial ${pointer.previous.serial} came before it`);
  }
  if (pointer.issuedAtMs >= pointer.expiresAtMs) throw wrong(pointer, 'expires before it is issued');
}

async function assertNamed(
  check: StoreCheck,
  pointer: Pointer,
  builds: ReadonlyMap<string, BuildFacts>,
): Promise<void> {
  const facts = builds.get(storeKeys.build(pointer.repositoryId, pointer.buildId));
  if (facts === undefined)
    throw wrong(pointer, `names build ${pointer.buildId}, whose record is missing or does not hold`);
  const { os, arch, libc } = facts.platform;
  const isOfBuild =
    facts.artifactId === pointer.artifactId &&
    facts.revision === pointer.revision &&
    [os, arch, libc].join() === [pointer.platform.os, pointer.platform.arch, pointer.platform.libc].join();
  if (!isOfBuild) throw wrong(pointer, 'has another artifact, revision or platform than the build that it names');
  for (const pack of pointer.packs) {
    if (pack.artifactId !== pointer.artifactId) throw wrong(pointer, `offers pack ${pack.digest} of another artifact`);
    if (pack.kind === 'full' && pack.digest !== facts.pack.digest) {
      throw wrong(pointer, `offers another full pack than its build's, ${pack.digest}`);
    }
    await check.assertPackIsThere(pack);
  }
  if (pointer.environmentDigest !== null) {
    const key = storeKeys.environment(pointer.repositoryId, pointer.channel, pointer.environmentDigest);
    if ((await check.store.head(key)) === null) throw wrong(pointer, `names the environment ${key}, which is missing`);
  }
}

/** Checks everything below `channels/`. An expired pointer is a problem: machines make no change by it. */
export async function checkChannels(
  check: StoreCheck,
  trusted: Trusted,
  builds: ReadonlyMap<string, BuildFacts>,
): Promise<void> {
  const { trust, nowMs } = trusted;
  for await (const { key } of check.store.list('channels/')) {
    const environment = environmentKey.exec(key);
    const [, repositoryId = '', channel = ''] = environment ?? pointerKey.exec(key) ?? [];
    const digest = environment?.[3];
    if (!idSchema.safeParse(repositoryId).success || !channelNameSchema.safeParse(channel).success) {
      await check.of('pointers', key, async () => unknownName(key));
    } else if (digest !== undefined) {
      await check.of('environments', key, () => check.assertDigest(key, digest));
    } else {
      await check.of('pointers', key, async () => {
        const bytes = await check.read(key, maxDocumentBytes);
        const pointer = verifyPointer(bytes, { trust, repositoryId, channel, minSerial: 0, nowMs });
        assertStrictEnvelope(bytes, activeReleaseKeys(trust));
        assertInOrder(pointer);
        await assertNamed(check, pointer, builds);
      });
    }
  }
}

/**
 * Checks the reports of machines that the trust document lists, and the notes of control centers whose key counts. Whatever else lies
 * below `machines/` (requests to enroll, what a revoked machine left) is believed by nobody, and not looked at.
 */
export async function checkMachines(check: StoreCheck, { trust }: Trusted): Promise<void> {
  const active = trust.machines.filter(machine => machine.revokedAtMs === null);
  const machines = new Map(active.map(item => [storeKeys.report(item.repositoryId, item.machineId), item]));
  const keyIds = activeReleaseKeys(trust).map(keyIdOf);
  for await (const { key } of check.store.list('machines/')) {
    const machine = machines.get(key);
    const [, repositoryId = ''] = key.split('/');
    if (machine !== undefined) {
      await check.of('reports', key, async () => {
        const bytes = await check.read(key, maxDocumentBytes);
        verifyReport(bytes, trust, { repositoryId });
        assertStrictEnvelope(bytes, [machine.publicKey]);
      });
    } else if (keyIds.some(keyId => key === seederKey(repositoryId, keyId))) {
      await check.of('reports', key, async () => {
        const bytes = await check.read(key, maxDocumentBytes);
        verifySeeder(bytes, trust, { repositoryId });
        assertStrictEnvelope(bytes, activeReleaseKeys(trust));
      });
    }
  }
}
