/** Owns the client of one container: credentials, endpoint, retries, and how long an answer may take. */
import { isIP } from 'node:net';
import { ContainerClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { DomainError } from '../../contract/errors.ts';
import type { StoreAccess } from '../store-access.ts';
import { locateStore } from '../store-location.ts';
import { azureLogin } from './azure-credentials.ts';
import { type AzureAction, translateAzureError } from './azure-errors.ts';

/** What a call is given to end with, and to tell that it goes on. */
export interface Call {
  readonly abortSignal: AbortSignal;
  /** Bytes have moved. */
  readonly onProgress: () => void;
}

export interface AzurePlace {
  readonly container: ContainerClient;
  readonly url: string;
  readonly account: string;
  /** In front of every key. */
  readonly prefix: string;
  /** Whether URLs can be signed here: an account's key is had. */
  readonly canSign: boolean;
  /** Whether each URL carries a shared access signature: the one that was given. */
  readonly isSigned: boolean;
  /** Makes a call of Azure's client, and throws what it says as `store.*`. */
  run<T>(action: AzureAction, call: (call: Call) => Promise<T>): Promise<T>;
  translate(error: unknown, action: AzureAction): unknown;
}

/** Neither an answer nor a byte that moves: the client itself would wait for ever. */
const silenceMs = 120_000;
const retryOptions = { maxTries: 3, retryDelayInMs: 500, maxRetryDelayInMs: 10_000 };

/** An emulator has the account in its path, since an address has no names in front. Source: "Azurite", product-style and IP-style URLs. */
function serviceUrl(account: string, endpoint: string | null): string {
  if (endpoint === null) return `https://${account}.blob.core.windows.net`;
  const { hostname, pathname } = new URL(endpoint);
  const isAddress = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 || hostname === 'localhost';
  return isAddress && pathname === '/' ? `${endpoint}/${account}` : endpoint;
}

/** The container that `url` names. Opens no connection. Throws `store.url_invalid`, `store.forbidden`. */
export function openAzurePlace(url: string, access: StoreAccess | undefined): AzurePlace {
  const location = locateStore(url);
  if (location.kind !== 'azure' || location.account === null) {
    throw new DomainError('store.url_invalid', `${url} names no container of Azure.`, { url });
  }
  const { account, bucket, prefix, endpoint } = location;
  const { credential, signature } = azureLogin(account, access);
  const service = serviceUrl(account, endpoint);
  if (service.startsWith('http:') && 'getToken' in credential) {
    throw new DomainError(
      'store.forbidden',
      `No credentials for ${url}, and the identity of this machine is not sent without TLS. Give the store a key or a shared access signature.`,
      { url },
    );
  }
  const address = `${service}/${bucket}${signature === null ? '' : `?${signature}`}`;
  const container = new ContainerClient(address, credential, { retryOptions });
  const scene = { url, account, container: bucket, server: new URL(service).host };
  const translate = (error: unknown, action: AzureAction) => translateAzureError(error, action, scene);
  return {
    container,
    url,
    account,
    prefix,
    canSign: credential instanceof StorageSharedKeyCredential,
    isSigned: signature !== null,
    translate,
    async run(action, call) {
      const silent = new AbortController();
      const timer = setTimeout(() => {
        silent.abort(Object.assign(new Error('no byte moved for two minutes'), { code: 'ETIMEDOUT' }));
      }, silenceMs);
      const { signal } = action;
      try {
        const abortSignal = signal === undefined ? silent.signal : AbortSignal.any([signal, silent.signal]);
        return await call({ abortSignal, onProgress: () => timer.refresh() });
      } catch (error) {
        throw translate(silent.signal.aborted ? silent.signal.reason : error, action);
      } finally {
        clearTimeout(timer);
      }
    },
  };
}
