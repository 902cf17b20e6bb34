/** Owns what opens an Azure account: what a person gave, else the environment, else the identity of a machine in Azure. */
import { AnonymousCredential, StorageSharedKeyCredential } from '@azure/storage-blob';
import { z } from 'zod';
import { DomainError } from '../../contract/errors.ts';
import type { StoreAccess } from '../store-access.ts';
import { storeLabels } from '../store-location.ts';

/** Microsoft Entra's word for a storage account as what a token is for. */
const tokenResource = 'https://storage.azure.com/';
/** The metadata service has this address on every machine in Azure. Source: "Azure Instance Metadata Service". */
const metadataHost = 'http://169.254.169.254';
/** It answers within milliseconds; elsewhere nothing is at that address. */
const metadataTimeoutMs = 3_000;

const tokenSchema = z.object({ access_token: z.string(), expires_on: z.coerce.number() });

/** Gives tokens of the machine's managed identity, as the client wants them. */
export interface MachineIdentity {
  getToken(): Promise<{ token: string; expiresOnTimestamp: number }>;
}

export type AzureCredential = StorageSharedKeyCredential | AnonymousCredential | MachineIdentity;

export interface AzureLogin {
  readonly credential: AzureCredential;
  /** A shared access signature without its question mark; null where the credential speaks for itself. */
  readonly signature: string | null;
}

/** `AZURE_POD_IDENTITY_AUTHORITY_HOST` names another server, as for Microsoft's own clients. */
export function machineIdentity(environment: NodeJS.ProcessEnv, account: string): MachineIdentity {
  const host = environment.AZURE_POD_IDENTITY_AUTHORITY_HOST ?? metadataHost;
  const query = new URLSearchParams({ 'api-version': '2018-02-01', resource: tokenResource });
  if (environment.AZURE_CLIENT_ID !== undefined) query.set('client_id', environment.AZURE_CLIENT_ID);
  return {
    async getToken() {
      try {
        const response = await fetch(`${host}/metadata/identity/oauth2/token?${query}`, {
          headers: { Metadata: 'true' },
          signal: AbortSignal.timeout(metadataTimeoutMs),
        });
        const { access_token, expires_on } = tokenSchema.parse(await response.json());
        return { token: access_token, expiresOnTimestamp: expires_on * 1_000 };
      } catch (error) {
        throw new DomainError(
          'store.forbidden',
          `No credentials for the account ${account}. Give the store a key or a shared access signature, set AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or give this machine in Azure a managed identity with the role Storage Blob Data Contributor.`,
          { account },
          { cause: error },
        );
      }
    },
  };
}

function accountKey(account: string, key: string): AzureLogin {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) {
    throw new DomainError(
      'store.forbidden',
      `The key of the account ${account} is not base64. Copy it whole from "Access keys" of the account.`,
      { account },
    );
  }
  return { credential: new StorageSharedKeyCredential(account, key), signature: null };
}

function sharedSignature(account: string, token: string): AzureLogin {
  const signature = token.trim().replace(/^\?/, '');
  if (!new URLSearchParams(signature).has('sig')) {
    throw new DomainError(
      'store.forbidden',
      `The shared access signature of the account ${account} lacks its sig=. Copy it whole, as the query string that it is.`,
      { account },
    );
  }
  return { credential: new AnonymousCredential(), signature };
}

/** Throws `store.forbidden` for what cannot be credentials of Azure. Without `access`: see `StoreAccess`. */
export function azureLogin(account: string, access: StoreAccess | undefined, environment = process.env): AzureLogin {
  if (access === undefined) {
    const { AZURE_STORAGE_ACCOUNT, AZURE_STORAGE_KEY, AZURE_STORAGE_SAS_TOKEN } = environment;
    const isMeant = AZURE_STORAGE_ACCOUNT === undefined || AZURE_STORAGE_ACCOUNT === account;
    if (isMeant && AZURE_STORAGE_KEY) return accountKey(account, AZURE_STORAGE_KEY);
    if (isMeant && AZURE_STORAGE_SAS_TOKEN) return sharedSignature(account, AZURE_STORAGE_SAS_TOKEN);
    return { credential: machineIdentity(environment, account), signature: null };
  }
  if (access.kind === 'account-key') return accountKey(account, access.accountKey);
  if (access.kind === 'shared-access-signature') return sharedSignature(account, access.token);
  throw new DomainError(
    'store.forbidden',
    `${storeLabels.azure} is opened by an account's key or a shared access signature, and the account ${account} was given a ${access.kind}.`,
    { account },
  );
}
