/** Owns the peer of the list of jobs: a virtual list that does nothing else, of as many rows of the same height. */
import type { Page } from 'playwright-core';

/** Shows it in place of whatever the page shows: rows are moved and rewritten as one scrolls, all text, no state. */
export async function showBareList(page: Page, rows: number, rowHeight: number): Promise<void> {
  await page.setContent(
    '<style>body{margin:0;font:13px sans-serif}#list{height:100vh;overflow:auto;position:relative}#list div div{position:absolute;left:0;right:0;white-space:nowrap;overflow:hidden}</style><div id="list"><div></div></div>',
  );
  await page.evaluate(
    ([count, height]) => {
      const list = document.getElementById('list');
      const inner = list?.firstElementChild;
      if (!list || !(inner instanceof HTMLElement)) throw new Error('the bare list is not there');
      inner.style.height = `${count * height}px`;
      const overscan = 12;
      let drawn = '';
      const draw = () => {
        const first = Math.max(0, Math.floor(list.scrollTop / height) - overscan);
        const last = Math.min(count, Math.ceil((list.scrollTop + list.clientHeight) / height) + overscan);
        if (drawn === `${first}-${last}`) return;
        drawn = `${first}-${last}`;
        inner.replaceChildren(
          ...Array.from({ length: last - first }, (_, index) => {
            const row = document.createElement('div');
            row.style.top = `${(first + index) * height}px`;
            row.textContent = `Job ${count - first - index} service-${index} Change: keep the harbour’s gates in step with the tide`;
            return row;
          }),
        );
      };
      list.addEventListener('scroll', () => requestAnimationFrame(draw), { passive: true });
      draw();
    },
    [rows, rowHeight] as const,
  );
}
