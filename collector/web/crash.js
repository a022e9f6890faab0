/** One crash: what happened and where, on what, and the log, as far as it is there. */
import { crashLog } from './crash-log.js';
import { hostOf } from './crash-rows.js';
import { crashWords, taintMeanings } from './crash-words.js';
import { clockTime, get, make, makeTime, number, plural, setText, span } from './elements.js';
import { fact, notices, statusLine } from './parts.js';

/** As views.js wants a view. */
export function crashView(id) {
  const heading = make('h2', 'title', `Crash ${id}`);
  const state = statusLine();
  const back = make('a', 'back', 'All crashes');
  back.href = '#crashes';
  const body = make('div', 'crash');
  const log = crashLog();
  let version = -1;
  return {
    element: make('section', '', back, heading, state, body, log.element),
    heading,
    state,
    absent: `there is no crash ${id}`,
    load: async () => {
      const [crash, words] = await Promise.all([
        get(`/api/v1/crashes/${encodeURIComponent(id)}`),
        crashWords(),
      ]);
      return { crash, words };
    },
    show: ({ crash, words }) => {
      log.show(crash);
      if (crash.version === version) return;
      version = crash.version;
      const { reading } = crash;
      setText(heading, reading?.title || crash.line || 'What happened has not been seen yet');
      back.href = reading === null ? '#crashes' : `#crashes/${encodeURIComponent(reading.signature)}`;
      setText(back, reading === null ? 'All crashes' : 'Crashes of this signature');
      body.replaceChildren(
        ...meaning(crash, words),
        ...doubts(crash),
        make('dl', 'crash-facts', ...facts(crash, words)),
        ...stack(reading),
        ...modules(reading),
      );
    },
  };
}

function meaning({ reading }, { types }) {
  const type = types.get(reading?.type);
  return type ? [make('p', '', type.meaning)] : [];
}

/** What is not to be trusted, and what does not fit together. */
function doubts({ reading, mismatches }) {
  const lines = mismatches.map(({ what, said, known }) =>
    what === 'address'
      ? `It was heard from ${said}, which is an address of ${known}.`
      : `Its ${what === 'kernel' ? 'kernel' : 'machine'} was ${said} by its own word, and ${known} by the inventory.`,
  );
  if (reading?.corrupted) lines.unshift(`The report is not to be trusted: ${reading.corrupted}.`);
  return notices(lines);
}

function facts(crash, words) {
  const { reading, at_us, uptime_us, kernel, hardware, records, id, merged } = crash;
  const at = makeTime(at_us, (ago) => `${clockTime(at_us)}, ${ago} ago`);
  const up = uptime_us > 0 ? `, ${span(uptime_us)} after its boot` : '';
  const sources = [...new Set(records.map(({ source }) => source))].join(', ');
  const list = [fact('Host', hostOf(crash)), fact('When', at, up)];
  const add = (name, value) => {
    if (value !== '') list.push(fact(name, value));
  };
  add('Kind', crash.kind);
  add('Process', reading ? processOf(reading) : '');
  add('Kernel', kernel);
  if (reading) list.push(fact('Taint', ...taint(reading.taint, words)));
  add('Machine', hardware);
  add('Known by', sources);
  if (reading) {
    const link = make('a', '', make('code', '', reading.signature));
    link.href = `#crashes/${encodeURIComponent(reading.signature)}`;
    list.push(fact('Signature', link, make('span', 'over', ` of “${reading.bug}”`)));
  }
  if (reading && reading.alternates.length > 0) {
    list.push(
      fact('Also called', make('ul', '', ...reading.alternates.map((title) => make('li', '', title)))),
    );
  }
  const ids = merged.length === 0 ? id : `${id}, and as ${merged.join(', ')} before`;
  list.push(fact('Crash', make('code', '', ids)));
  return list;
}

function processOf({ process, pid, cpu }) {
  const who = pid === null ? process : `${process} (${pid})`;
  return `${who}${cpu === null ? '' : ` on CPU ${cpu}`}`.trim();
}

function taint(flags, words) {
  if (flags === '') return ['none, or it did not say'];
  const items = taintMeanings(flags, words).map((phrase) => make('li', '', phrase));
  return [make('code', '', flags), make('ul', '', ...items)];
}

/** The frames, innermost first: who is blamed, and who is not although it stands before. */
function stack(reading) {
  if (!reading || reading.frames.length === 0) return [];
  const items = reading.frames.map((frame, i) => {
    const blamed = i === reading.guilty;
    const kind = blamed ? 'frame guilty' : frame.passed !== '' || !frame.reliable ? 'frame over' : 'frame';
    const offset = frame.offset === null ? '' : `+0x${frame.offset.toString(16)}`;
    const notes = [
      blamed ? 'blamed' : '',
      frame.passed === '' ? '' : `passed over: ${frame.passed}`,
      frame.inline ? 'inlined' : '',
    ].filter((note) => note !== '');
    // The blank does not break: the name stays beside its mark.
    const [certainty, mark] = frame.reliable ? ['', ''] : ['uncertain', '?\u00a0'];
    const name = make('code', certainty, mark + frame.function, make('span', 'over', offset));
    const module = frame.module === '' ? null : make('code', 'module', `[${frame.module}]`);
    return make('li', kind, name, module, make('span', 'note', notes.join(', ')));
  });
  const more = reading.unlisted_frames;
  const hints = [
    more > 0 ? `And ${number.format(more)} more that had no room.` : '',
    reading.frames.every(({ reliable }) => reliable)
      ? ''
      : '? may not have been called: its address stood on the stack.',
  ].filter((hint) => hint !== '');
  return [
    make(
      'section',
      'stack',
      make('h3', '', 'Stack, innermost first'),
      make('ol', 'frames', ...items),
      ...hints.map((hint) => make('p', 'hint', hint)),
    ),
  ];
}

/** How many modules there were; their names, which are many, when asked for. */
function modules(reading) {
  if (!reading || reading.modules.length === 0) return [];
  const { modules: names, unlisted_modules: more } = reading;
  const hint = more > 0 ? `, and ${number.format(more)} more that had no room` : '';
  const title = make('summary', '', plural(names.length + more, 'module', 'modules'));
  return [make('details', 'modules', title, make('p', '', make('code', '', names.join(' ')), hint))];
}
