/** Owns what an agent remembers over a restart: what it trusts, what it runs, and what it was about to do. */
import { z } from 'zod';
import { activationSchema } from '../contract/activation.ts';
import { idSchema, infoHashSchema, type Pointer, publicKeySchema, sha256Schema } from '../contract/documents.ts';
import { DomainError } from '../contract/errors.ts';
import { healthCheckSchema } from '../contract/plan.ts';
import { readPrivateFile, replacePrivateFile } from '../secrets/private-file.ts';

const serialSchema = z.number().int().positive();

/** A release as it is, or was, installed here. */
export const installedSchema = z.object({
  serial: serialSchema,
  releaseId: idSchema,
  artifactId: sha256Schema,
  revision: z.string(),
  environmentDigest: sha256Schema.nullable(),
  /** Of the channel's values; the values are in a file of their own. */
  environmentNames: z.array(z.string()).default([]),
  start: z.string().nullable(),
  health: healthCheckSchema.nullable(),
  /** Left out: the start command alone. */
  activation: activationSchema.optional(),
  packDigest: sha256Schema,
  infoHash: infoHashSchema,
});
export type Installed = z.infer<typeof installedSchema>;

const stateSchema = z.object({
  type: z.literal('slipway.agent-state/v1'),
  rootPublicKey: publicKeySchema,
  /** The highest seen: lower ones are refused for ever. */
  trustSerial: z.number().int().nonnegative(),
  pointerSerial: z.number().int().nonnegative(),
  /** `pointerIdentity` of the pointer under `pointerSerial`. */
  pointerIdentity: sha256Schema.nullable(),
  /** Sequences of reports below this are spent. */
  reservedSequence: z.number().int().nonnegative(),
  current: installedSchema.nullable(),
  previous: installedSchema.nullable(),
  /** Artifacts in `releases/`, the latest activated first. */
  kept: z.array(sha256Schema),
  /** A serial that did not come up here: it is not tried again. */
  failedSerial: serialSchema.nullable(),
  /** Set before `current` is switched and cleared when it is decided: found at start, the agent died in between. */
  activation: z.object({ target: installedSchema, from: installedSchema.nullable() }).nullable(),
  /** Activations of one serial that the agent did not survive. */
  interrupted: z.object({ serial: serialSchema, count: z.number().int().positive() }).nullable(),
  /** The migration that this machine took last: under which token, and whether its commands have all succeeded. */
  migration: z
    .object({ releaseId: idSchema, token: z.number().int().positive(), ended: z.boolean() })
    .nullable()
    .default(null),
  /** What the release that runs was given as $PORT: asked for again, so that who knows it need not be told. */
  port: z.number().int().min(1).max(65_535).nullable().default(null),
  /** The newest release that did not come up here. */
  evidenceSerial: serialSchema.nullable().default(null),
  /** The last request to repair what runs that was done. */
  repairedAtMs: z.number().int().nonnegative().default(0),
  /** Names of the user's variables that were set last. */
  userVariables: z.array(z.string()).default([]),
});
export type AgentState = z.infer<typeof stateSchema>;

/** A state names a handful of releases; anything much larger is damage. */
const maxStateBytes = 1024 * 1024;

export interface StateFile {
  readonly value: AgentState;
  /** On the disk when it resolves. Calls are written in order. */
  update(changes: Partial<AgentState>): Promise<void>;
}

/** The release that a pointer names, to be installed from this pack, with the names of its values. */
export function installedFrom(
  pointer: Pointer,
  pack: { readonly digest: string; readonly infoHash: string },
  environmentNames: readonly string[],
): Installed {
  const { serial, releaseId, artifactId, revision, environmentDigest, start, health, activation } = pointer;
  const { digest: packDigest, infoHash } = pack;
  return {
    serial,
    releaseId,
    artifactId,
    revision,
    environmentDigest,
    environmentNames: [...environmentNames],
    start,
    health,
    ...(activation === undefined ? {} : { activation }),
    packDigest,
    infoHash,
  };
}

function parseState(bytes: Uint8Array, path: string): AgentState {
  try {
    return stateSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw new DomainError(
      'data.corrupt',
      `The agent's state ${path} is damaged or from a newer version. Update the agent, or move the file away: the agent then takes the channel's release anew.`,
      { path },
      { cause: error },
    );
  }
}

/** The state in `path`, made on first use; the root key is pinned by the first document that it verifies. Throws `data.corrupt`, `trust.untrusted` (another root is pinned). */
export async function openState(path: string, rootPublicKey: string): Promise<StateFile> {
  const bytes = await readPrivateFile(path, maxStateBytes);
  let value: AgentState =
    bytes === null
      ? {
          type: 'slipway.agent-state/v1',
          rootPublicKey,
          trustSerial: 0,
          pointerSerial: 0,
          pointerIdentity: null,
          reservedSequence: 0,
          current: null,
          previous: null,
          kept: [],
          failedSerial: null,
          activation: null,
          interrupted: null,
          migration: null,
          port: null,
          evidenceSerial: null,
          repairedAtMs: 0,
          userVariables: [],
        }
      : parseState(bytes, path);
  // A pin that never verified anything was a typing error at the first start, not an installation.
  const isPinned = value.trustSerial > 0 || value.current !== null;
  if (value.rootPublicKey !== rootPublicKey && isPinned) {
    throw new DomainError(
      'trust.untrusted',
      `This folder belongs to an installation with another root key (${value.rootPublicKey}). Give that key, or choose another folder with --root.`,
      { pinned: value.rootPublicKey, given: rootPublicKey },
    );
  }
  let writing: Promise<void> = Promise.resolve();
  const update = (changes: Partial<AgentState>): Promise<void> => {
    value = { ...value, ...changes };
    const bytesNow = Buffer.from(`${JSON.stringify(value, null, 2)}\n`, 'utf8');
    writing = writing.catch(() => undefined).then(() => replacePrivateFile(path, bytesNow));
    return writing;
  };
  if (bytes === null || value.rootPublicKey !== rootPublicKey) await update({ rootPublicKey });
  return {
    get value() {
      return value;
    },
    update,
  };
}
