/** Owns the recorded run of the blob store: `node record-store.ts FOLDER ACKNOWLEDGEMENTS BLOBS`. Each put that came back is written down. */
import { openSync, writeSync } from 'node:fs';
import { createFilesystemStore } from '../../src-main/stores/filesystem-store.ts';
import { blobAt } from './store-blobs.ts';

const [folder = '', acknowledgements = '', blobs = '0'] = process.argv.slice(2);
const output = openSync(acknowledgements, 'a');
const store = createFilesystemStore(folder);
for (let index = 0; index < Number(blobs); index += 1) {
  const { key, bytes, isNew } = blobAt(index);
  await store.put(key, { kind: 'bytes', bytes }, isNew ? { ifVersion: null } : {});
  writeSync(output, `${index}\n`);
}
