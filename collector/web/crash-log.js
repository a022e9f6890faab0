/**
 * A crash's log: what is around the report of it, and more when asked for; holes are shown where they are. It asks for a log
 * once, and again while it is not there, or when there is a newer report of it.
 */
import { get, make, number, plural, reasonOf, setText } from './elements.js';

/** Lines that are shown around a report, of a log without one, and when more are asked for. */
const BEFORE = 20;
const AFTER = 60;
const MOST_LINES = 1500;
const MORE = 500;

/** { element, show(crash) }: hidden until there is a crash; what is shown stays as it is while the log is the same. */
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
  const element = make('section', 'log', make('h3', '', 'Log'), tools, state, earlier, text, later);
  element.hidden = true;

  let crash = null;
  /** The record that was chosen, by its key: its place among the records may change. */
  let chosen = null;
  /** The reports that are shown, were asked for, and could not be had, by their {@link versionOf}. */
  let shown = '';
  let asked = '';
  let failed = '';
  let log = null;
  let lines = [];
  let from = 0;
  let to = 0;

  const load = async () => {
    const record = wantedOf(crash, chosen);
    if (record === undefined) {
      clear();
      return setText(state, 'It is not here yet: it follows once nothing more of it comes.');
    }
    const version = versionOf(record);
    if (version === asked) return;
    const path = `/api/v1/crashes/${encodeURIComponent(crash.id)}/log?record=${crash.records.indexOf(record)}`;
    if (version === shown) {
      [asked, save.href] = ['', path];
      return setText(state, '');
    }
    // Until a newer report of the same record is here, the older one is better than nothing.
    if (keyOf(record) !== keyOf(log?.of)) clear();
    if (version !== failed) setText(state, 'Loading …');
    asked = version;
    const name = `${crash.id}-${record.source}.log`;
    try {
      const answer = await get(`${path}&format=json`);
      if (asked !== version) return;
      // The records are others meanwhile: the next look at the crash tells which.
      if (answer.digest !== record.digest) throw new Error('the crash has changed');
      [shown, asked, failed] = [version, '', ''];
      setText(state, '');
      save.href = path;
      save.download = name;
      put({ ...answer, of: record });
    } catch (error) {
      if (asked !== version) return;
      [asked, failed] = ['', version];
      setText(state, `It cannot be shown: ${reasonOf(error)}.`);
    }
  };

  const clear = () => {
    [shown, asked, log, lines, from, to] = ['', '', null, [], 0, 0];
    text.replaceChildren();
    for (const part of [jump, copy, save, earlier, later]) part.hidden = true;
  };

  const put = (answer) => {
    log = answer;
    lines = log.text.split('\n');
    // The text ends with the end of its last line.
    if (lines.at(-1) === '') lines.pop();
    const { report } = log;
    from = Math.max(0, report === null ? lines.length - MORE : report.first - BEFORE);
    to = Math.min(lines.length, report === null ? lines.length : report.last + 1 + AFTER, from + MOST_LINES);
    copy.hidden = false;
    save.hidden = false;
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
    chosen = choice.value;
    load();
  });

  clear();
  return {
    element,
    show: (newest) => {
      crash = newest;
      element.hidden = false;
      offer(choice, crash);
      choice.value = keyOf(wantedOf(crash, chosen));
      which.hidden = choice.length < 2;
      load();
    },
  };
}

/** The record whose log is wanted: the chosen one, else the one that was read, else the best. Undefined without a log. */
function wantedOf({ records, read, best }, chosen) {
  const chosenOne = records.find((record) => record.digest !== '' && keyOf(record) === chosen);
  return chosenOne ?? records[read ?? best ?? -1];
}

/** Names a record among all; empty for none. */
function keyOf(record) {
  return record === undefined ? '' : `${record.host_id} ${record.record}`;
}

/** Names a report of a record: of two with one digest, the newer one may tell of other holes. */
function versionOf(record) {
  return `${keyOf(record)} ${record.revision} ${record.digest}`;
}

function amount(count, all) {
  return count === all
    ? plural(all, 'line', 'lines')
    : `${number.format(count)} of ${plural(all, 'line', 'lines')}`;
}

/** The records that have a log. */
function offer(choice, { records }) {
  const options = records
    .filter(({ digest }) => digest !== '')
    .map((record) => {
      const option = make('option', '', `${record.source} on ${record.hostname || record.host_id}`);
      option.value = keyOf(record);
      return option;
    });
  const isSame = (option, i) =>
    option.value === choice.options[i]?.value && option.text === choice.options[i].text;
  // One that is unfolded would fold.
  if (options.length === choice.length && options.every(isSame)) return;
  choice.replaceChildren(...options);
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
