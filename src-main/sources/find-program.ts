/** Owns finding a program on the PATH: looked up anew each time, since it may be installed meanwhile. */
import { access, constants, stat } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Its absolute path, or null. */
export async function findProgram(name: string, path: string = process.env.PATH ?? ''): Promise<string | null> {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  for (const folder of path.split(delimiter).filter(entry => entry !== '')) {
    const candidate = join(folder, file);
    const executable = await access(candidate, constants.X_OK).then(
      async () => (await stat(candidate)).isFile(),
      () => false,
    );
    if (executable) return candidate;
  }
  return null;
}
