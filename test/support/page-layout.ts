/** Owns asking a page whether it loses anything at its present size: cut text, covered controls, scrolling sideways. */
import type { Page } from 'playwright-core';

/** The small sizes in which every view and dialog must hold: the least window, and 1440 × 900 at 200 % zoom. */
export const smallSizes = [
  { name: '1024 × 640', width: 1024, height: 640 },
  { name: '200 % zoom', width: 720, height: 450 },
] as const;

/** What is lost on the page as it is now: `cut: <button …> "europe-app-1"`. A text that ends in … may, where its title says it whole. */
export function layoutProblems(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const problems = new Set<string>();
    const words = (element: Element) => (element.textContent ?? '').trim().replaceAll(/\s+/g, ' ').slice(0, 60);
    const name = (element: Element) =>
      `<${element.tagName.toLowerCase()} ${String(element.getAttribute('class') ?? '').slice(0, 40)}> "${words(element)}"`;
    const drawn = (element: Element) => {
      const box = element.getBoundingClientRect();
      return (
        box.width > 2 &&
        box.height > 2 &&
        getComputedStyle(element).clipPath === 'none' &&
        element.checkVisibility({ visibilityProperty: true })
      );
    };
    // A terminal draws its own lines and measures its own font.
    const foreign = (element: Element) => element.closest('.xterm, .uplot, svg') !== null;
    const told = (element: Element) => element.closest('[title]') !== null || element.querySelector('[title]') !== null;
    const all = [...document.body.querySelectorAll('*')].filter(element => !foreign(element) && drawn(element));

    for (const element of [document.documentElement, ...all]) {
      const style = getComputedStyle(element);
      const [over, tall] = [element.scrollWidth - element.clientWidth, element.scrollHeight - element.clientHeight];
      const scrolls = element === document.documentElement || /auto|scroll/.test(style.overflowX);
      if (scrolls && over > 1 && !element.hasAttribute('data-scrolls-sideways')) {
        problems.add(`scrolls sideways by ${over}: ${name(element)}`);
      }
      // What frames a terminal is cut by it on purpose.
      if (element.querySelector('.xterm') !== null) continue;
      const clips = /hidden|clip/.test(style.overflowX) && style.display !== 'inline';
      if (clips && over > 1 && words(element) !== '' && !told(element)) problems.add(`cut: ${name(element)}`);
      const clipsDown = /hidden|clip/.test(style.overflowY) && style.display !== 'inline';
      if (clipsDown && tall > 3 && words(element) !== '' && !told(element)) problems.add(`cut below: ${name(element)}`);
    }

    const dialog = document.querySelector('[role=dialog]');
    const controls = (dialog ?? document.body).querySelectorAll('a[href], button, input, select, textarea, [role=tab]');
    for (const control of controls) {
      if (foreign(control) || !drawn(control)) continue;
      if (control.matches('[tabindex="-1"], [aria-hidden=true] *, [aria-hidden=true]')) continue;
      control.scrollIntoView({ block: 'center', inline: 'nearest', behavior: 'instant' });
      const box = control.getClientRects()[0];
      if (!box) continue;
      const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
      if (x < 0 || y < 0 || x > innerWidth || y > innerHeight) {
        if (getComputedStyle(control).position !== 'absolute') problems.add(`out of reach: ${name(control)}`);
        continue;
      }
      const top = document.elementFromPoint(x, y);
      const label = control.closest('label') ?? control.parentElement;
      if (top && !control.contains(top) && !label?.contains(top) && !top.contains(control)) {
        problems.add(`covered: ${name(control)} by ${name(top)}`);
      }
    }
    return [...problems];
  });
}

/** The same at every small size: `200 % zoom: cut: …`. The page has its own size again afterwards. */
export async function layoutProblemsInSmallSizes(page: Page): Promise<string[]> {
  const before = page.viewportSize();
  const problems: string[] = [];
  for (const { name, width, height } of smallSizes) {
    await page.setViewportSize({ width, height });
    // One frame for the layout, one for what measures it.
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
    problems.push(...(await layoutProblems(page)).map(problem => `${name}: ${problem}`));
  }
  if (before) await page.setViewportSize(before);
  return problems;
}
