/** Owns the pairs of trees that the delta bench compares: what a machine has, and what it should have. */
import { randomBytes } from 'node:crypto';
import { cp, mkdir, open, readdir, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../bench.ts';

export interface Scenario {
  readonly name: string;
  /** Makes the folders `old` and `new`. Throws where this machine lacks what it takes. */
  make(old: string, fresh: string): Promise<void>;
}

const mebibyte = 1024 * 1024;
const textBytes = 6_000;
const filesPerFolder = 250;

/** Text that compresses about as source code does. */
function text(): string {
  let lines = '';
  while (lines.length < textBytes) {
    lines += `export const value${lines.length} = read('${randomBytes(9).toString('base64')}', ${lines.length % 7});\n`;
  }
  return lines;
}

const nameOf = (index: number) => `part-${Math.floor(index / filesPerFolder)}/module-${index}.js`;

export async function writeSmallFiles(folder: string, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    if (index % filesPerFolder === 0) await mkdir(join(folder, `part-${index / filesPerFolder}`), { recursive: true });
    await writeFile(join(folder, nameOf(index)), text());
  }
}

export async function copyTree(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
}

/** Replaces the content of one in a hundred files, chosen at random. */
export async function changeSmallFiles(folder: string, count: number): Promise<void> {
  const chosen = new Set<number>();
  while (chosen.size < Math.ceil(count / 100)) chosen.add(randomBytes(4).readUInt32LE() % count);
  for (const index of chosen) await writeFile(join(folder, nameOf(index)), text());
}

export async function writeLargeFile(path: string, sizeBytes: number): Promise<void> {
  const handle = await open(path, 'w');
  for (let done = 0; done < sizeBytes; done += mebibyte) await handle.write(randomBytes(mebibyte));
  await handle.close();
}

/** Overwrites one percent of a file in ten places. */
export async function editLargeFile(path: string, sizeBytes: number): Promise<void> {
  const handle = await open(path, 'r+');
  const editBytes = Math.floor(sizeBytes / 1_000);
  for (let edit = 0; edit < 10; edit += 1) {
    await handle.write(randomBytes(editBytes), 0, editBytes, Math.floor(((edit + 0.5) * sizeBytes) / 10));
  }
  await handle.close();
}

async function touchAll(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true })) await utimes(join(folder, entry), 1_700_000_000, 1);
}

/** Releases of packages with all that they depend on, as the registry has them. */
function packages(quick: boolean): Scenario {
  const pairs = [
    ['express@4.18.2', 'express@4.19.2'],
    ['react-dom@18.2.0', 'react-dom@18.3.1'],
    ...(quick
      ? []
      : [
          ['typescript@5.4.5', 'typescript@5.5.4'],
          ['eslint@8.56.0', 'eslint@8.57.0'],
          ['vite@5.2.0', 'vite@5.3.1'],
        ]),
  ];
  const install = async (folder: string, which: number) => {
    await mkdir(folder, { recursive: true });
    const names = pairs.map(pair => pair[which] ?? '');
    await runProgram('npm', [
      ...[
        'install',
        '--prefix',
        folder,
        '--ignore-scripts',
        '--no-audit',
        '--no-fund',
        '--no-package-lock',
        '--loglevel=error',
      ],
      ...names,
    ]);
  };
  return {
    name: `${pairs.length} npm packages at two releases`,
    async make(old, fresh) {
      await install(old, 0);
      await install(fresh, 1);
    },
  };
}

export function scenarios(quick: boolean): Scenario[] {
  const files = quick ? 2_000 : 50_000;
  const largeBytes = (quick ? 64 : 1024) * mebibyte;
  const renamed = 1_000;
  return [
    packages(quick),
    {
      name: `${files} files, 1 % changed`,
      async make(old, fresh) {
        await writeSmallFiles(old, files);
        await copyTree(old, fresh);
        await changeSmallFiles(fresh, files);
      },
    },
    {
      name: `a file of ${largeBytes / mebibyte} MiB, 1 % in 10 places`,
      async make(old, fresh) {
        await mkdir(old);
        await writeLargeFile(join(old, 'large.bin'), largeBytes);
        await copyTree(old, fresh);
        await editLargeFile(join(fresh, 'large.bin'), largeBytes);
      },
    },
    {
      name: `${renamed} files renamed`,
      async make(old, fresh) {
        await writeSmallFiles(old, renamed);
        await copyTree(old, fresh);
        await mkdir(join(fresh, 'moved'));
        for (let index = 0; index < renamed; index += 1) {
          await rename(join(fresh, nameOf(index)), join(fresh, 'moved', `${index}.js`));
        }
      },
    },
    {
      name: 'every mtime touched',
      async make(old, fresh) {
        await writeSmallFiles(old, renamed);
        await copyTree(old, fresh);
        await touchAll(fresh);
      },
    },
  ];
}
