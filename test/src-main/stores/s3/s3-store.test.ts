import { createS3Store } from '../../../../src-main/stores/s3/s3-store.ts';
import { s3Access, startS3Server } from '../../../support/s3-server.ts';
import { describeStoreConformance } from '../../../support/store-conformance.ts';

for (const checksums of [false, true]) {
  describeStoreConformance(checksums ? 'S3 with CRC32C' : 'S3', async () => {
    const server = await startS3Server({ buckets: ['main', 'other'], checksums });
    const open = (bucket: string) => createS3Store(`s3://${bucket}/team/a?endpoint=${server.endpoint}`, s3Access);
    const sibling = open('main');
    return {
      store: open('main'),
      sibling,
      other: open('other'),
      refuses: checksums ? ['md5', 'crc32c'] : ['md5'],
      resumes: true,
      signs: true,
      seed: keys =>
        server.seed(
          'main',
          keys.map(key => `team/a/${key}`),
        ),
      receivedBytes: () => server.atRest().then(server.receivedBytes),
      dispose: server.stop,
    };
  });
}
