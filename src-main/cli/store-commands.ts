/** Owns `slipway store access`: the credentials with which private stores are opened. */
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import { DomainError, systemErrorCode } from '../contract/errors.ts';
import type { StoreAccess } from '../contract/store-access.ts';
import { canonicalStoreUrl } from '../stores/store-location.ts';
import { callEngine, type EngineOptions } from './engine-client.ts';
import { type OutputOptions, plain, print, table } from './output.ts';
import { readSecret } from './read-secret.ts';

interface Given {
  readonly serviceAccount?: string;
  readonly accessKey?: string;
  readonly accountKey?: boolean;
  readonly sas?: boolean;
}
type Options = EngineOptions & OutputOptions & Given;

const waysWords = '--service-account FILE, --access-key ID, --account-key or --sas';

async function readAccountFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = systemErrorCode(error) ?? 'unknown error';
    throw new DomainError(
      'input.invalid',
      `${path} cannot be read (${code}). Give the JSON file of a service account.`,
    );
  }
}

/** What is secret comes from a file, a pipe or the terminal; never from an argument. Throws `input.invalid`. */
async function readAccess(given: Given): Promise<StoreAccess> {
  const { serviceAccount, accessKey, accountKey, sas } = given;
  const ways = [serviceAccount, accessKey, accountKey, sas].filter(way => way !== undefined);
  if (ways.length !== 1) throw new DomainError('input.invalid', `Name one of ${waysWords}.`);
  if (serviceAccount !== undefined) return { kind: 'service-account', json: await readAccountFile(serviceAccount) };
  if (accessKey !== undefined) {
    const secretAccessKey = (await readSecret(`the secret of access key ${accessKey}`)).trim();
    return { kind: 'access-key', accessKeyId: accessKey, secretAccessKey };
  }
  if (accountKey) return { kind: 'account-key', accountKey: (await readSecret("the storage account's key")).trim() };
  return { kind: 'shared-access-signature', token: (await readSecret('the shared access signature')).trim() };
}

export function addStoreCommands(program: Command): void {
  const access = program
    .command('store')
    .description('stores of blobs')
    .command('access')
    .description("credentials of private stores; without them the provider's own chain is asked");
  access
    .command('set <url>')
    .description('set or replace the credentials of a store, sealed under the master key')
    .addOption(new Option('--service-account <file>', 'Google Cloud Storage: the JSON file of a service account'))
    .option('--access-key <id>', 'S3: the id of an access key; its secret comes from stdin, or is asked for')
    .option('--account-key', 'Azure: the key of the storage account comes from stdin, or is asked for')
    .option('--sas', 'Azure: a shared access signature comes from stdin, or is asked for')
    .action(async (storeUrl: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      await callEngine(options, async client => {
        const view = await client.storeAccess.set({ storeUrl, access: await readAccess(options) });
        const whose = view.identity === '' ? view.kind : `${view.kind} ${view.identity}`;
        print(view, options, `${plain(view.storeUrl)} is opened with ${plain(whose)} from now on.`);
      });
    });
  access
    .command('show [url]')
    .description('whose credentials open which store; what is secret is never shown')
    .action(async (storeUrl: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const wanted = storeUrl === undefined ? null : canonicalStoreUrl(storeUrl);
      const all = await callEngine(options, client => client.storeAccess.list());
      const shown = all.filter(one => wanted === null || one.storeUrl === wanted);
      const lines = shown.map(one => [
        one.storeUrl,
        one.kind,
        one.identity || '-',
        new Date(one.setAtMs).toISOString().slice(0, 19),
      ]);
      print(shown, options, table(['STORE', 'KIND', 'IDENTITY', 'SET'], lines));
    });
  access
    .command('remove <url>')
    .description("remove the credentials of a store; its provider's own chain is asked from then on")
    .action(async (storeUrl: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const done = await callEngine(options, client => client.storeAccess.remove({ storeUrl }));
      print(done, options, `The credentials of ${plain(storeUrl)} are removed.`);
    });
}
