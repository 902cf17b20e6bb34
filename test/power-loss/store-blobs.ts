/** Owns the blobs of the store's recorded run: keys in folders of their own and in common ones, new and replaced. */

export interface Blob {
  readonly key: string;
  readonly bytes: Buffer;
  /** Put under the condition that the key is free. */
  readonly isNew: boolean;
}

/** The blob that the put with this index, from 0, stores. Each fourth has the key of the one before it. */
export function blobAt(index: number): Blob {
  const replaces = index % 4 === 3;
  const name = String(replaces ? index - 1 : index);
  return {
    key: index % 4 === 1 ? `pointers/${name}` : `packs/${Number(name) % 7}/${name}`,
    bytes: Buffer.alloc(3_000 + 700 * index, `blob ${index}.`),
    isNew: index % 4 === 1,
  };
}
