/** Owns what builds of a repository get as environment: who may set what, encryption at rest, and the values for one build. */
import { DomainError } from '../contract/errors.ts';
import {
  deleteSecret,
  deleteVariable,
  listSecrets,
  listVariables,
  putSecret,
  putVariable,
} from '../database/build-environment.ts';
import { appendEvent } from '../database/events.ts';
import { type Db, inTransaction } from '../database/open-database.ts';
import { findRepository } from '../database/repositories.ts';
import type { Clock } from '../domain/clock.ts';
import { openSealed, seal } from '../secrets/seal.ts';

interface Named {
  readonly repositoryId: string;
  readonly name: string;
}
interface Valued extends Named {
  readonly value: string;
}

export interface BuildEnvironment {
  /** Throws `not_found` for the repository, `conflict` where a secret has the name. Replaces an old value. */
  setVariable(request: Valued): Promise<void>;
  /** Throws `not_found`. */
  removeVariable(request: Named): Promise<void>;
  /** Throws `not_found` for the repository, `conflict` where a variable has the name. Replaces an old value. */
  setSecret(request: Valued): Promise<void>;
  /** Throws `not_found`. */
  removeSecret(request: Named): Promise<void>;
}

/** More than these are no longer an environment: together they must fit beside a command line. */
const maxNames = 200;

/** What a sealed value is bound to: in another row, or under another name, it does not open. */
const sealName = ({ repositoryId, name }: Named) => `slipway/secret/${repositoryId}/${name}`;

export function createBuildEnvironment(options: {
  readonly db: Db;
  readonly masterKey: Uint8Array;
  readonly clock: Clock;
  readonly onChanged: () => void;
}): BuildEnvironment {
  const { db, masterKey, clock } = options;

  /** One transaction: the repository is there, `change` is made, and the event tells the name, never the value. */
  async function change({ repositoryId, name }: Named, work: (transaction: Db) => Promise<void>): Promise<void> {
    await inTransaction(db, async transaction => {
      if (!(await findRepository(transaction, repositoryId))) {
        throw new DomainError('not_found', `There is no repository ${repositoryId}.`, { repositoryId });
      }
      await work(transaction);
      const data = { environment: name };
      await appendEvent(transaction, { type: 'repository.changed', at: clock(), repositoryId, data });
    });
    options.onChanged();
  }

  function assertFree(name: string, known: readonly Named[], others: readonly Named[], otherKind: string): void {
    if (others.some(other => other.name === name)) {
      throw new DomainError(
        'conflict',
        `There is a ${otherKind} ${name} already. Remove it first, or choose another name.`,
        {
          name,
        },
      );
    }
    if (known.length >= maxNames && !known.some(one => one.name === name)) {
      throw new DomainError(
        'conflict',
        `A repository has at most ${maxNames} of these. Remove some that no build needs.`,
      );
    }
  }

  const missing = (kind: string, { name }: Named) =>
    new DomainError(
      'not_found',
      `There is no ${kind} ${name}. See "slipway ${kind === 'secret' ? kind : 'env'} list".`,
      { name },
    );

  return {
    setVariable: request =>
      change(request, async transaction => {
        const { repositoryId, name, value } = request;
        const secrets = await listSecrets(transaction, repositoryId);
        assertFree(name, await listVariables(transaction, repositoryId), secrets, 'secret');
        await putVariable(transaction, { repositoryId, name, value, setAt: clock() });
      }),
    removeVariable: request =>
      change(request, async transaction => {
        if (!(await deleteVariable(transaction, request.repositoryId, request.name)))
          throw missing('variable', request);
      }),
    setSecret: request =>
      change(request, async transaction => {
        const { repositoryId, name, value } = request;
        const variables = await listVariables(transaction, repositoryId);
        assertFree(name, await listSecrets(transaction, repositoryId), variables, 'variable');
        const sealedValue = seal(masterKey, Buffer.from(value, 'utf8'), sealName(request)).toString('base64');
        await putSecret(transaction, { repositoryId, name, sealedValue, setAt: clock() });
      }),
    removeSecret: request =>
      change(request, async transaction => {
        if (!(await deleteSecret(transaction, request.repositoryId, request.name))) throw missing('secret', request);
      }),
  };
}

/** The variables that every build of the repository gets. */
export async function buildVariables(db: Db, repositoryId: string): Promise<Record<string, string>> {
  const rows = await listVariables(db, repositoryId);
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/**
 * The values of the secrets that a plan names, and of no other. Throws `secret.missing` once for all that are not set, and
 * `secret.key_unreadable` for one that does not open.
 */
export async function openBuildSecrets(
  db: Db,
  masterKey: Uint8Array,
  repository: { readonly id: string; readonly name: string },
  names: readonly string[],
): Promise<Record<string, string>> {
  if (names.length === 0) return {};
  const rows = new Map((await listSecrets(db, repository.id)).map(row => [row.name, row]));
  const missing = names.filter(name => !rows.has(name));
  if (missing.length > 0) {
    const commands = missing.map(name => `slipway secret set ${name} --repository ${repository.id}`);
    const what =
      missing.length === 1 ? `the secret ${missing[0]}, which is` : `the secrets ${missing.join(', ')}, which are`;
    throw new DomainError(
      'secret.missing',
      `slipway.yml of ${repository.name} asks for ${what} not set. Nothing was run. Set ${missing.length === 1 ? 'it' : 'them'} and retry the job: ${commands.join('; ')}`,
      { missing, commands },
    );
  }
  const open = (name: string) => {
    const sealed = Buffer.from(rows.get(name)?.sealedValue ?? '', 'base64');
    return openSealed(masterKey, sealed, sealName({ repositoryId: repository.id, name })).toString('utf8');
  };
  return Object.fromEntries(names.map(name => [name, open(name)]));
}
