/** Crashes by signature, and those of one signature. */
import { crashRow, groupRow } from './crash-rows.js';
import { crashWords, taintMeanings } from './crash-words.js';
import { arrange, get, make, number, setText } from './elements.js';
import { fact, keyed, notices, renew, statusLine } from './parts.js';

/** Signatures, and crashes of one, that are asked for at a time; and crashes that have none. */
const PAGE = 100;
const MOST_UNREAD = 20;
const NO_TRUST = 'No report of these is to be trusted, so they need not be of one bug.';

// --- Crashes by signature ---------------------------------------------------------------------------------------------

export function groupsView() {
  const count = make('span', 'count');
  const heading = make('h2', '', 'Crashes ', count);
  const about = make('p', 'hint', 'Each once: crashes that share a signature are of one bug.');
  const state = statusLine();
  const list = make('ul', 'incidents');
  const more = make('p', 'hint');
  const unread = make('ul', 'incidents');
  const moreUnread = make('p', 'hint');
  const unreadPart = make(
    'section',
    '',
    make('h2', '', 'Without a signature'),
    make('p', 'hint', 'Their logs have not come yet, or tell of no crash.'),
    unread,
    moreUnread,
  );
  unreadPart.hidden = true;
  const empty = emptyNote(
    'No crashes.',
    'Kernels that die are heard by netoops and netconsole, and found again by kmsg, pstore and kdump after the reboot.',
  );
  const rows = new Map();
  const unreadRows = new Map();
  return {
    element: make('section', '', heading, about, state, empty, list, more, unreadPart),
    heading,
    state,
    absent: 'there is no such view',
    load: async () => {
      const [page, latest, words] = await Promise.all([
        get(`/api/v1/crashes/signatures?limit=${PAGE}`),
        get(`/api/v1/crashes?unread=true&limit=${MOST_UNREAD}`),
        crashWords(),
      ]);
      return { ...page, words, unread: latest };
    },
    show: ({ groups, next_cursor, words, ...page }) => {
      const few = page.unread.crashes;
      arrange(
        list,
        keyed(rows, groups, ({ signature }) => signature, groupRow, words),
      );
      arrange(
        unread,
        keyed(unreadRows, few, ({ id }) => id, crashRow, words),
      );
      setText(more, next_cursor === null ? '' : `The ${PAGE} newest; netfall crashes signatures lists more.`);
      const isMore = page.unread.next_cursor !== null;
      setText(
        moreUnread,
        isMore ? `The ${MOST_UNREAD} newest; netfall crashes list --unread lists more.` : '',
      );
      unreadPart.hidden = few.length === 0;
      empty.hidden = groups.length > 0 || few.length > 0;
      about.hidden = groups.length === 0;
      setText(count, groups.length === 0 ? '' : number.format(groups.length));
    },
  };
}

// --- The crashes of a signature ---------------------------------------------------------------------------------------

export function groupView(signature) {
  const heading = make('h2', 'title', 'Crashes');
  const state = statusLine();
  const meaning = make('p', '');
  const doubt = make('div', '');
  const facts = make('dl', 'crash-facts');
  const list = make('ul', 'incidents');
  const more = make('p', 'hint');
  const rows = new Map();
  const back = make('a', 'back', 'All crashes');
  back.href = '#crashes';
  const none = `no crash that is kept has the signature ${signature}`;
  facts.hidden = true;
  return {
    element: make('section', '', back, heading, state, meaning, doubt, facts, list, more),
    heading,
    state,
    absent: none,
    load: async () => {
      const named = encodeURIComponent(signature);
      const [{ groups }, page, words] = await Promise.all([
        get(`/api/v1/crashes/signatures?signature=${named}`),
        get(`/api/v1/crashes?signature=${named}&limit=${PAGE}`),
        crashWords(),
      ]);
      return { group: groups[0], words, ...page };
    },
    show: ({ group, crashes, next_cursor, words }) => {
      const corrupted = group?.corrupted ?? false;
      if (group === undefined) setText(state, `${none[0].toUpperCase()}${none.slice(1)}.`);
      setText(heading, group?.title ?? 'Crashes');
      setText(meaning, words.types.get(group?.type)?.meaning ?? '');
      renew(doubt, corrupted, () => notices(corrupted ? [NO_TRUST] : []));
      facts.hidden = group === undefined;
      renew(facts, group, () => (group === undefined ? [] : groupFacts(group, words)));
      arrange(
        list,
        keyed(rows, crashes, ({ id }) => id, crashRow, words),
      );
      const isMore = next_cursor !== null;
      renew(more, isMore, () =>
        isMore
          ? [`The ${PAGE} newest. More: `, make('code', '', `netfall crashes list --signature ${signature}`)]
          : [],
      );
    },
  };
}

function groupFacts({ crashes, hosts, hosts_total, kernels, taints, hardware, ...group }, words) {
  const shares = (all, total, phrase = (name) => name) => {
    const items = all.map(({ name, crashes: count }) =>
      make(
        'li',
        '',
        phrase(name),
        make('span', 'over', count === crashes ? ' all' : ` ${number.format(count)}`),
      ),
    );
    if (total > all.length) items.push(make('li', 'over', `and ${number.format(total - all.length)} more`));
    return make('ul', '', ...items);
  };
  const taint = (flags) =>
    flags === '' ? 'not tainted' : `${flags}: ${taintMeanings(flags, words).join('; ')}`;
  return [
    fact('Hosts', shares(hosts, hosts_total)),
    fact('Kernels', shares(kernels, kernels.length)),
    fact('Taint', shares(taints, taints.length, taint)),
    fact('Machines', shares(hardware, hardware.length)),
    fact('Signature', make('code', '', group.signature), make('span', 'over', ` of “${group.bug}”`)),
  ];
}

function emptyNote(title, detail) {
  const note = make('div', 'empty', make('p', 'empty-title', title), make('p', 'empty-detail', detail));
  note.hidden = true;
  return note;
}
