/** Owns what the dialog of a repository's source shows and makes of its fields. No DOM. */
import { type SourceOptions, sourceOptionsSchema } from '../../../src-main/contract/source-options.ts';

/** The fields as a person writes them. */
export interface SourceFields extends Omit<SourceOptions, 'paths' | 'tags'> {
  /** One on each line. */
  readonly paths: string;
  /** Empty for the branch. */
  readonly tags: string;
  /** Seconds; empty for the installation's. */
  readonly pollSeconds: string;
}

/** The bounds that the engine holds. */
const [fewestSeconds, mostSeconds] = [2, 86_400];

export function fieldsOf(source: SourceOptions, chosenMs: number | null): SourceFields {
  return {
    ...source,
    paths: source.paths.join('\n'),
    tags: source.tags ?? '',
    pollSeconds: chosenMs === null ? '' : String(chosenMs / 1_000),
  };
}

const listOf = (paths: string) =>
  paths
    .split('\n')
    .map(path => path.trim())
    .filter(path => path !== '');

export type FieldProblems = Partial<Record<'paths' | 'tags' | 'pollSeconds', string>>;

/** What is wrong, by field; empty where everything fits. */
export function problemsOf({ paths, tags, pollSeconds }: SourceFields): FieldProblems {
  const said = (result: {
    readonly error?: { readonly issues: readonly { readonly message: string }[] } | undefined;
  }) => result.error?.issues[0]?.message;
  const inPaths = said(sourceOptionsSchema.shape.paths.safeParse(listOf(paths)));
  const inTags = said(sourceOptionsSchema.shape.tags.safeParse(tags.trim() || null));
  const seconds = Number(pollSeconds);
  const isWrong = pollSeconds.trim() !== '' && !(seconds >= fewestSeconds && seconds <= mostSeconds);
  return {
    ...(inPaths === undefined ? {} : { paths: inPaths }),
    ...(inTags === undefined ? {} : { tags: inTags }),
    ...(isWrong ? { pollSeconds: `from ${fewestSeconds} to ${mostSeconds} seconds` } : {}),
  };
}

/** What is sent. The fields must fit. */
export function changeOf({ paths, tags, pollSeconds, ...rest }: SourceFields): {
  readonly source: SourceOptions;
  readonly intervalMs: number | null;
} {
  return {
    source: { ...rest, paths: listOf(paths), tags: tags.trim() || null },
    intervalMs: pollSeconds.trim() === '' ? null : Math.round(Number(pollSeconds) * 1_000),
  };
}

/** The server that a login would be given for; null where an address has none that takes one. */
export function loginHostOf(url: unknown): string | null {
  if (typeof url !== 'string' || !URL.canParse(url)) return null;
  const { protocol, host } = new URL(url);
  return /^(https?|svn):$/.test(protocol) && host !== '' ? host : null;
}
