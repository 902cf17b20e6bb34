import { createGcsStore } from '../../../../src-main/stores/gcs/gcs-store.ts';
import { tokensFrom } from '../../../support/gcs-server/client-options.ts';
import { makeTestAccount, type TestAccount } from '../../../support/gcs-server/credentials.ts';
import { startGcsServer } from '../../../support/gcs-server/gcs-server.ts';
import { describeStoreConformance } from '../../../support/store-conformance.ts';

const account: TestAccount = makeTestAccount();

describeStoreConformance('GCS', async () => {
  const server = await startGcsServer({ buckets: ['main', 'other'], account });
  const access = { kind: 'service-account', json: account.json } as const;
  const url = (bucket: string) => `gs://${bucket}/team/a?endpoint=${server.url}`;
  const open = (bucket: string) => createGcsStore(url(bucket), access, tokensFrom(server));
  return {
    store: open('main'),
    sibling: open('main'),
    other: open('other'),
    refuses: ['crc32c', 'md5'],
    resumes: true,
    signs: true,
    receivedBytes: () => server.atRest().then(() => server.receivedBytes('main')),
    seed: async keys => keys.forEach(key => void server.put('main', `team/a/${key}`, Buffer.alloc(0))),
    dispose: () => server.stop(),
  };
});
