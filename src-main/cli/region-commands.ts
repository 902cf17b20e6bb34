/** Owns `slipway region`: the stores that hold a copy, their limits, their audit, and which repository is copied where. */
import { type Command, InvalidArgumentError } from 'commander';
import { DomainError } from '../contract/errors.ts';
import type { AuditResult } from '../contract/replication-api.ts';
import type { RegionView } from '../contract/views/region.ts';
import { formatSize } from '../domain/format-size.ts';
import { byteSize, degrees, wholeNumber } from './arguments.ts';
import { callEngine, type EngineClient, type EngineOptions, findRepository } from './engine-client.ts';
import { exitCodes, type OutputOptions, plain, print, table } from './output.ts';

type Options = EngineOptions & OutputOptions;

/** The region that a person means by its name, id or location. Throws `not_found`, `conflict`. */
export async function findRegion(client: EngineClient, named: string): Promise<RegionView> {
  const regions = await client.regions.list();
  const exact = regions.filter(region => region.name === named || region.id === named);
  const [found, ...others] = exact.length > 0 ? exact : regions.filter(region => region.location === named);
  if (!found) {
    throw new DomainError(
      'not_found',
      `There is no region "${named}". Regions: ${regions.map(region => region.name).join(', ')}.`,
    );
  }
  if (others.length > 0) {
    const ids = [found, ...others].map(region => `${region.id} (${region.storeUrl})`).join(', ');
    throw new DomainError('conflict', `"${named}" could be several regions. Use an id: ${ids}.`, { named });
  }
  return found;
}

/** `none`, or bytes a second. Not null: commander takes that for an empty text. */
function rate(text: string): number | 'none' {
  if (text === 'none') return text;
  const bytes = byteSize(1024 ** 4)(text.replace(/\/s$/, ''));
  if (bytes < 1_024) throw new InvalidArgumentError('Give at least 1KiB a second, as 10MiB, or none.');
  return bytes;
}

/** `all`, or a whole number from 1. */
function versions(text: string): number | 'all' {
  return text === 'all' ? text : wholeNumber(1, 100_000)(text);
}

function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1) return `${Math.round(ms / 1_000)} s`;
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

function stateWords(region: RegionView): string {
  if (region.isMain) return region.error ? 'main store, damaged' : 'main store';
  return region.paused ? 'paused' : region.state;
}

function behindWords({ isMain, behind, behindBytes, bytesPerSecond, etaMs }: RegionView): string {
  if (isMain) return '-';
  if (behind === 0) return 'nothing';
  const left = etaMs === null ? '' : `, ${duration(etaMs)} left`;
  const moving = bytesPerSecond ? ` at ${formatSize(bytesPerSecond)}/s${left}` : '';
  return `${behind} (${formatSize(behindBytes)})${moving}`;
}

function addListing(region: Command): void {
  region
    .command('list')
    .description('the main store and every region: state, what it holds, what was sent and read')
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const regions = await callEngine(options, client => client.regions.list());
      const lines = regions.map(item => [
        item.name,
        stateWords(item),
        String(item.packCount),
        formatSize(item.bytesStored),
        behindWords(item),
        item.isMain ? '-' : duration(item.lagMs),
        `${formatSize(item.traffic.days30.sentBytes)} / ${formatSize(item.traffic.days30.readBytes)}`,
        item.error?.message ?? item.storeUrl,
      ]);
      const header = ['REGION', 'STATE', 'PACKS', 'STORED', 'BEHIND', 'LAG', 'SENT / READ, 30 DAYS', ''];
      print(regions, options, table(header, lines));
    });
}

function addAdding(region: Command): void {
  region
    .command('add <name>')
    .description('replicate to another store')
    .requiredOption('--store <url>', 'file:///srv/blobs or an absolute path')
    .option('--location <word>', "the provider's word for the place, as europe-west3", '')
    .requiredOption('--latitude <degrees>', 'for the map', degrees(90))
    .requiredOption('--longitude <degrees>', 'for the map', degrees(180))
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        Options & { store: string; location: string; latitude: number; longitude: number }
      >();
      await callEngine(options, async client => {
        const added = await client.regions.add({
          name,
          location: options.location,
          latitude: options.latitude,
          longitude: options.longitude,
          storeUrl: options.store,
        });
        print(added, options, `${plain(added.name)} is replicated to ${added.storeUrl} (${added.id}).`);
      });
    });
}

function auditWords(name: string, result: AuditResult): string {
  const { checked, documents, bytesRead, findings, moreFindings } = result;
  const looked = `${plain(name)}: packs ${checked}, documents ${documents}, ${formatSize(bytesRead)} read.`;
  if (findings.length === 0) return `${looked} All is as it should be.`;
  const rows = findings.map(({ key, problem, action, detail, done }) => [problem, action, key, `${detail}; ${done}`]);
  const more = moreFindings > 0 ? `And ${moreFindings} more.\n` : '';
  return `${looked}\n${table(['PROBLEM', 'DONE', 'OBJECT', ''], rows)}${more}`;
}

function addVerifying(region: Command): void {
  region
    .command('verify <region>')
    .description('look at all that a store holds, and repair what is wrong; ends with 1 where something could not be')
    .option('--deep', "read everything back that the provider's checksums cannot prove")
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { deep?: boolean }>();
      await callEngine(options, async client => {
        const { id, name } = await findRegion(client, named);
        const result = await client.regions.verify({ id, deep: options.deep });
        print(result, options, auditWords(name, result));
        if (result.findings.some(finding => finding.action === 'failed')) process.exitCode = exitCodes.failed;
      });
    });
}

function addLimits(region: Command): void {
  region
    .command('limits <region>')
    .description('show or change how many copies run at once, what they may send, and how often copies are read back')
    .option('--concurrency <n>', 'copies at once, 1 to 32', wholeNumber(1, 32))
    .option('--bandwidth <size>', 'a second, as 10MiB; none for no limit', rate)
    .option(
      '--audit-days <n>',
      'each pack that only its bytes can prove is read back once in so many days',
      wholeNumber(1, 3_650),
    )
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<
        Options & { concurrency?: number; bandwidth?: number | 'none'; auditDays?: number }
      >();
      const { concurrency, bandwidth, auditDays } = options;
      const bytesPerSecond = bandwidth === 'none' ? null : bandwidth;
      await callEngine(options, async client => {
        const found = await findRegion(client, named);
        const isChange = [concurrency, bytesPerSecond, auditDays].some(value => value !== undefined);
        const { name, limits } = isChange
          ? await client.regions.setLimits({ id: found.id, concurrency, bytesPerSecond, auditDays })
          : found;
        const sent = limits.bytesPerSecond === null ? 'as fast as it goes' : `${formatSize(limits.bytesPerSecond)}/s`;
        print(
          limits,
          options,
          `${plain(name)}: copies at once ${limits.concurrency}, ${sent}, read back once in ${limits.auditDays} days.`,
        );
      });
    });
}

function addPolicy(region: Command): void {
  region
    .command('policy <repository>')
    .description('show or change which regions hold which versions of a repository')
    .option('--regions <names>', 'names or ids with commas between; all for every region')
    .option(
      '--versions <n>',
      'the newest so many, besides what channels and machines use; all for every version',
      versions,
    )
    .action(async (named: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options & { regions?: string; versions?: number | 'all' }>();
      await callEngine(options, async client => {
        const { id: repositoryId, name } = await findRepository(client, named);
        const names = options.regions
          ?.split(',')
          .map(word => word.trim())
          .filter(Boolean);
        const regionIds =
          names === undefined
            ? undefined
            : names[0] === 'all' && names.length === 1
              ? null
              : await Promise.all(names.map(async word => (await findRegion(client, word)).id));
        const newest = options.versions === 'all' ? null : options.versions;
        const isChange = regionIds !== undefined || newest !== undefined;
        const policy = isChange
          ? await client.replicationPolicy.set({ repositoryId, regionIds, versions: newest })
          : await client.replicationPolicy.get({ repositoryId });
        const regions = await client.regions.list();
        const places = policy.regionIds?.map(id => regions.find(item => item.id === id)?.name ?? id).join(', ');
        const kept = policy.versions === null ? 'every version' : `the newest ${policy.versions} versions`;
        print(policy, options, `${plain(name)}: ${kept} in ${plain(places ?? 'every region') || 'no region'}.`);
      });
    });
}

export function addRegionCommands(program: Command): void {
  const region = program.command('region').description('stores that hold a copy of every artifact');
  addAdding(region);
  addListing(region);
  addVerifying(region);
  addLimits(region);
  addPolicy(region);
  const onOne = (
    verb: string,
    description: string,
    words: (name: string) => string,
    work: (client: EngineClient, id: string) => Promise<unknown>,
  ) =>
    region
      .command(`${verb} <region>`)
      .description(description)
      .action(async (named: string, _options: unknown, command: Command) => {
        const options = command.optsWithGlobals<Options>();
        await callEngine(options, async client => {
          const { id, name } = await findRegion(client, named);
          print(await work(client, id), options, words(plain(name)));
        });
      });
  onOne(
    'retry',
    'retry failed copies now',
    name => `The copies to ${name} start again now.`,
    (client, id) => client.regions.retry({ id }),
  );
  onOne(
    'pause',
    'copy nothing there for now',
    name => `Copying to ${name} is paused.`,
    (client, id) => client.regions.setPaused({ id, paused: true }),
  );
  onOne(
    'resume',
    'copy there again',
    name => `Copying to ${name} goes on.`,
    (client, id) => client.regions.setPaused({ id, paused: false }),
  );
  onOne(
    'remove',
    'stop replicating; what lies there stays',
    name => `${name} is no region any more.`,
    (client, id) => client.regions.remove({ id }),
  );
}
