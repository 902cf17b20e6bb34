/** The board itself: what a list of sailings looks like as a page. No files, no network. */

const statuses = ['on time', 'delayed', 'cancelled', 'sailed'];

/** Everything that is wrong with the data, in words; empty when it can be shown. */
export function problemsOf({ sailings }) {
  if (!Array.isArray(sailings)) return ['sailings is not a list'];
  return sailings.flatMap((sailing, index) => {
    const problems = [];
    if (!/^([01]\d|2[0-3]):[0-5]\d$/.test(sailing.time)) problems.push(`sailing ${index + 1} has no time like 07:15`);
    if (!sailing.ship || !sailing.to) problems.push(`sailing ${index + 1} needs a ship and a place to sail to`);
    if (!statuses.includes(sailing.status)) problems.push(`sailing ${index + 1} has no status of: ${statuses.join(', ')}`);
    return problems;
  });
}

/** The page: the template with the sailings in it, earliest first. */
export function renderBoard(template, { harbour, notice, sailings }) {
  const inOrder = [...sailings].sort((a, b) => a.time.localeCompare(b.time));
  const values = {
    harbour: escape(harbour),
    notice: escape(notice ?? ''),
    count: String(inOrder.filter(sailing => sailing.status !== 'cancelled').length),
    rows: inOrder.map(renderRow).join('\n'),
  };
  return template.replace(/\{\{(\w+)\}\}/g, (_, name) => values[name] ?? '');
}

function renderRow({ time, ship, to, pier, status }) {
  const cells = [time, ship, to, pier].map(value => `<td>${escape(value)}</td>`).join('');
  return `          <tr>${cells}<td data-status="${escape(status)}">${escape(status)}</td></tr>`;
}

function escape(value) {
  const names = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return String(value).replace(/[&<>"]/g, character => names[character]);
}
