import { afterAll, beforeAll } from 'vitest';
import { createAzureStore } from '../../../../src-main/stores/azure/azure-store.ts';
import { type AzureServer, azureAccess, azureAccount, startAzureServer } from '../../../support/azure-server.ts';
import { describeStoreConformance } from '../../../support/store-conformance.ts';

let server: AzureServer;
let containers = 0;
beforeAll(async () => {
  server = await startAzureServer();
});
afterAll(() => server.stop());

describeStoreConformance('Azure', async () => {
  containers += 1;
  const names = [`main-${containers}`, `other-${containers}`] as const;
  await Promise.all(names.map(name => server.createContainer(name)));
  const open = (name: string) =>
    createAzureStore(`azure://${azureAccount}/${name}/team/a?endpoint=${server.endpoint}`, azureAccess);
  return {
    store: open(names[0]),
    sibling: open(names[0]),
    other: open(names[1]),
    refuses: ['md5'],
    resumes: true,
    signs: true,
    dispose: async () => undefined,
  };
});
