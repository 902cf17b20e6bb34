/** Owns what the environment of a repository's builds, and of a channel's releases, looks like in words. Knows no component. */
import {
  type ChannelEnvironmentView,
  type EnvironmentView,
  minSecretChars,
  ownNameSchema,
  secretValueSchema,
  variableValueSchema,
} from '../../../src-main/contract/environment.ts';

export type EnvironmentKind = 'variable' | 'secret';
type Variable = EnvironmentView['variables'][number];

/** Where a variable is set, in words. */
export function originWords({ origin, step }: Pick<Variable, 'origin' | 'step'>): string {
  switch (origin) {
    case 'repository':
      return 'repository';
    case 'pipeline':
      return 'slipway.yml';
    case 'step':
      return `step ${step ?? ''}`.trim();
  }
}

/** Whether slipway.yml sets the variable for every step, so that the repository's own value is used by none. */
export function isOverridden(variable: Variable, all: readonly Variable[]): boolean {
  return (
    variable.origin === 'repository' && all.some(other => other.name === variable.name && other.origin === 'pipeline')
  );
}

/** What a channel's environment is now and becomes, in words. */
export function channelEnvironmentWords({ version, nextVersion, changed, machines }: ChannelEnvironmentView): string {
  const words = [
    version === null ? null : `environment ${version}`,
    changed ? (nextVersion === null ? 'none from the next release' : `${nextVersion} with the next release`) : null,
    version !== null && machines === 0 ? 'encrypted when the first machine comes' : null,
  ];
  return words.filter(word => word !== null).join(' · ');
}

/** What the dialog says under the value's field. */
export function valueHint(kind: EnvironmentKind, channel: string | null = null): string {
  if (channel !== null) {
    return kind === 'secret'
      ? `At least ${minSecretChars} characters. Kept encrypted, opened by the machines of ${channel} alone, and never shown again.`
      : `Encrypted to the machines of ${channel}. Shown here to everyone who sees this repository.`;
  }
  return kind === 'secret'
    ? `At least ${minSecretChars} characters. Kept encrypted, masked in logs, and never shown again.`
    : 'Shown to everyone who sees this repository, and in logs that print it.';
}

/** What is wrong with a name or value; null for what fits, and for what nobody has typed yet. */
export function nameProblem(name: string): string | null {
  if (name === '') return null;
  return ownNameSchema.safeParse(name).error?.issues[0]?.message ?? null;
}
export function valueProblem(kind: EnvironmentKind, value: string): string | null {
  if (value === '') return null;
  const schema = kind === 'secret' ? secretValueSchema : variableValueSchema;
  return schema.safeParse(value).error?.issues[0]?.message ?? null;
}
