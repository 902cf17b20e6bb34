/** Owns the types of the tables of settings, values and secrets. Columns are snake_case in SQL and camelCase here. */
import type { Flag, JsonText } from './columns.ts';

export interface SettingsTable {
  key: string;
  value: string;
}

export interface VariablesTable {
  repositoryId: string;
  name: string;
  value: string;
  setAt: number;
}

export interface SecretsTable {
  repositoryId: string;
  name: string;
  /** Sealed under the master key, Base64. */
  sealedValue: string;
  setAt: number;
}

export interface ChannelValuesTable {
  channelId: string;
  name: string;
  isSecret: Flag;
  /** As it is, or sealed under the master key in Base64 for a secret. */
  value: string;
  setAt: number;
}

export interface ChannelEnvironmentsTable {
  channelId: string;
  version: number;
  /** All values as JSON, sealed under the master key, Base64. */
  sealedValues: string;
  createdAt: number;
}

export interface EnvironmentSealsTable {
  /** SHA-256 of the ciphertext. */
  digest: string;
  channelId: string;
  version: number;
  /** The age recipients that can open it, sorted. */
  recipients: JsonText;
  /** Base64. */
  ciphertext: string;
  sealedAt: number;
}
