/**
 * A crash's log: what is around the report of it, and more when asked for; holes are shown where they are. It asks for a log
 * once, and again while it is not there.
 */
import { get, make, number, plural, setText } from './elements.js';

/** Lines that are shown around a report, of a log without one, and when more are asked for. */
const BEFORE = 20;
const AFTER = 60;
const MOST_LINES = 1500;
const MORE = 500;

/** { element, show(crash) }: what is shown stays as it is while the log is the same. */
export function crashLog() {
  const state = make('p', 'state');
  state.setAttribute('role', 'status');
  const choice = make('select');
  const which = make('label', '', 'Of ', choice);
  const jump = make('button', '', 'Go to the blamed frame');
  const copy = make('button', '', 'Copy');
  const save = make('a', 'button', 'Download');
  const tools = make('div', 'tools', which, jump, copy, save);
  const earlier = make('button', 'more');
  const later = make('button', 'more');
  const text = make('pre', 'log-text');
  text.tabIndex = 0;
  text.setAttribute('role', 'region');
  text.setAttribute('aria-label', 'Log');
  for (const button of [jump, copy, earlier, later]) button.type = 'button';

  let crash = null;
  let chosen = null;
  let wanted = '';
  let log = null;
  let lines = [];
  let from = 0;
  let to = 0;

  const load = async () => {
    const record = crash.records[chosen ?? crash.best ?? -1];
    tools.hidden = log === null;
    if (record === undefined)
      return setText(state, 'It is not here yet: it follows once nothing more of it comes.');
    if (record.digest === wanted) return;
    wanted = record.digest;
    setText(state, 'Loading …');
    const index = crash.records.indexOf(record);
    const path = `/api/v1/crashes/${encodeURIComponent(crash.id)}/log`;
    try {
      const answer = await get(`${path}?record=${index}&format=json`);
      if (wanted !== record.digest) return;
      setText(state, '');
      save.href = `${path}?record=${index}`;
      save.download = `${crash.id}-${record.source}.log`;
      put(answer);
    } catch (error) {
      if (wanted !== record.digest) return;
      wanted = '';
      setText(state, `It cannot be shown: ${error.message}.`);
    }
  };

  const put = (answer) => {
    log = answer;
    lines = log.text.split('\n');
    // The text ends with the end of its last line.
    if (lines.at(-1) === '') lines.pop();
    const { report } = log;
    from = Math.max(0, report === null ? lines.length - MORE : report.first - BEFORE);
    to = Math.min(lines.length, report === null ? lines.length : report.last + 1 + AFTER, from + MOST_LINES);
    tools.hidden = false;
    jump.hidden = typeof report?.guilty !== 'number';
    text.replaceChildren(...elementsOf(from, to));
    showEnds();
  };

  const elementsOf = (first, end) => {
    const { report, marks } = log;
    const marked = new Set(marks);
    const frames = new Set(report?.frames ?? []);
    return lines.slice(first, end).map((line, i) => {
      const at = first + i;
      const inReport = report !== null && at >= report.first && at <= report.last;
      const blamed = at === report?.guilty;
      const kinds = [
        'log-line',
        marked.has(at) ? 'hole' : '',
        inReport ? 'reported' : '',
        frames.has(at) ? 'frame-line' : '',
        blamed ? 'guilty-line' : '',
      ];
      const element = make(
        blamed ? 'mark' : 'span',
        kinds.filter((kind) => kind !== '').join(' '),
        `${line}\n`,
      );
      element.dataset.line = String(at + 1);
      return element;
    });
  };

  const showEnds = () => {
    const before = Math.min(MORE, from);
    const behind = Math.min(MORE, lines.length - to);
    earlier.hidden = before === 0;
    later.hidden = behind === 0;
    setText(earlier, `Show ${amount(before, from)} before`);
    setText(later, `Show ${amount(behind, lines.length - to)} behind`);
  };

  earlier.addEventListener('click', () => {
    const first = Math.max(0, from - MORE);
    text.prepend(...elementsOf(first, from));
    from = first;
    showEnds();
  });
  later.addEventListener('click', () => {
    const end = Math.min(lines.length, to + MORE);
    text.append(...elementsOf(to, end));
    to = end;
    showEnds();
  });
  jump.addEventListener('click', () => {
    text.focus({ preventScroll: true });
    text.querySelector('.guilty-line')?.scrollIntoView({ block: 'center' });
  });
  copy.addEventListener('click', async () => {
    setText(copy, (await copied(log.text, text)) ? 'Copied' : 'Selected: press Ctrl+C');
    setTimeout(() => setText(copy, 'Copy'), 2000);
  });
  choice.addEventListener('change', () => {
    chosen = Number(choice.value);
    load();
  });

  return {
    element: make('section', 'log', make('h3', '', 'Log'), tools, state, earlier, text, later),
    show: (newest) => {
      crash = newest;
      offer(choice, which, crash, chosen);
      load();
    },
  };
}

function amount(count, all) {
  return count === all
    ? plural(all, 'line', 'lines')
    : `${number.format(count)} of ${plural(all, 'line', 'lines')}`;
}

/** The records that have a log. */
function offer(choice, which, { records, best }, chosen) {
  const options = records.flatMap((record, i) => {
    if (record.digest === '') return [];
    const option = make('option', '', `${record.source} on ${record.hostname || record.host_id}`);
    option.value = String(i);
    return [option];
  });
  which.hidden = options.length < 2;
  // One that is unfolded would fold.
  if (
    options.every((option, i) => option.text === choice.options[i]?.text) &&
    options.length === choice.length
  )
    return;
  choice.replaceChildren(...options);
  choice.value = String(chosen ?? best ?? '');
}

/** Whether it could be copied; if not, what is shown is selected. Pages that came over plain HTTP have no clipboard. */
async function copied(whole, shown) {
  try {
    await navigator.clipboard.writeText(whole);
    return true;
  } catch {
    getSelection()?.selectAllChildren(shown);
    return false;
  }
}
