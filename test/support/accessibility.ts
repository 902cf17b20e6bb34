/** Owns asking axe about a page: its rules only, no opinion of ours. */
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';

const axeSource = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** The looks in which every view and dialog must hold. */
export const looks = [
  { name: 'light', media: { colorScheme: 'light', forcedColors: 'none' } },
  { name: 'dark', media: { colorScheme: 'dark', forcedColors: 'none' } },
  { name: 'forced colours', media: { colorScheme: 'light', forcedColors: 'active' } },
] as const;

/** What axe finds on the page as it is now. The context must be opened with `bypassCSP`, since the page allows no foreign script. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: axeSource }).catch(() => undefined);
  return page.evaluate(async () => {
    const { axe } = window as unknown as {
      axe: {
        run: (options: {
          resultTypes: string[];
        }) => Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
      };
    };
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations.map(violation => `${violation.id}: ${violation.nodes[0]?.html.slice(0, 160)}`);
  });
}

/** The same in every look: `dark: color-contrast: <span …>`. The page is light again afterwards. */
export async function accessibilityProblemsInAllLooks(page: Page): Promise<string[]> {
  const problems: string[] = [];
  for (const { name, media } of looks) {
    await page.emulateMedia(media);
    problems.push(...(await accessibilityProblems(page)).map(problem => `${name}: ${problem}`));
  }
  await page.emulateMedia(looks[0].media);
  return problems;
}
