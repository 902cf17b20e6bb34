/** Owns what lasts for a whole test file: ended after its last test, the last thing first. */
import { afterAll } from 'vitest';
import type { OnEnd } from './scratch-folder.ts';

/** To be called at the top of a file. */
export function endsWithFile(): OnEnd {
  const cleaning: (() => void | Promise<void>)[] = [];
  afterAll(async () => {
    for (const clean of cleaning.reverse()) await clean();
  });
  return clean => {
    cleaning.push(clean);
  };
}
