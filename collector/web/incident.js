/** One incident: what is wrong, on which hosts and why on these, what to look at next, and what happened so far. */
import { clockTime, get, make, makeTime, number, plural, setText, span } from './elements.js';
import { explanationOf } from './incident-explanation.js';
import { hostTable } from './incident-hosts.js';
import { badgeOf, incidentLink, isOver, marksOf } from './incident-parts.js';
import { packetsOf, symptomList } from './incident-symptoms.js';
import { fact, renew, statusLine } from './parts.js';

const MOST_CONSEQUENCES = 20;
const UNKNOWN = 'a host that is not known';

/** As views.js wants a view. */
export function incidentView(id) {
  const heading = make('h2', 'title', `Incident ${id}`);
  const state = statusLine();
  const back = make('a', 'back', 'All incidents');
  back.href = '#incidents';
  const badge = make('span', 'badge');
  const marks = make('p', 'marks');
  const said = make('p', 'sentence');
  const check = make('div');
  const why = make('div');
  const facts = make('dl', 'crash-facts');
  const symptoms = symptomList();
  const packets = make('div');
  const hosts = hostTable();
  const history = make('section', 'history');
  const names = make('p', 'hint names');
  const element = make(
    'section',
    'incident-page',
    ...[back, make('div', 'headline', heading, badge), state, marks, said, check, why, facts],
    ...[symptoms.element, packets, make('div', 'columns', hosts.element, history), names],
  );
  for (const part of [symptoms.element, hosts.element, facts]) part.hidden = true;
  let version = -1;
  const show = (incident) => {
    if (incident.version <= version) return;
    version = incident.version;
    for (const part of [symptoms.element, hosts.element, facts]) part.hidden = false;
    setText(heading, incident.title);
    badgeOf(element, badge, incident);
    marks.replaceChildren(...marksOf(incident, (kind, ...words) => make('span', `mark ${kind}`, ...words)));
    setText(said, incident.sentence);
    renew(check, incident.next_check, () => nextCheck(incident));
    renew(why, [incident.explanation, incident.unexplained], () => explanationOf(incident));
    facts.replaceChildren(...factsOf(incident));
    symptoms.show(incident);
    renew(packets, incident.samples, () => packetsOf(incident));
    hosts.show(incident);
    history.replaceChildren(...historyOf(incident));
    names.replaceChildren(...namesOf(incident));
  };
  return {
    element,
    heading,
    state,
    absent: `there is no incident ${id}`,
    load: () => get(`/api/v1/incidents/${encodeURIComponent(id)}`),
    show,
    hears: (incident) => {
      if (incident.id === id) show(incident);
    },
  };
}

/** What programs know it by. */
function namesOf({ id, fingerprint }) {
  return [
    make('span', '', 'Incident ', make('code', '', id)),
    make('span', '', 'Fingerprint ', make('code', '', fingerprint)),
  ];
}

function nextCheck({ next_check }) {
  if (next_check === '') return [];
  return [make('div', 'next-check', make('h3', '', 'Next check'), make('p', '', next_check))];
}

function factsOf(incident) {
  const { started_us, detected_us, last_us, resolved_us, hosts, hosts_total, fleet, state } = incident;
  const { cause, consequences, changes, rollout, late, runbook, regression_of, merged_into } = incident;
  const { acknowledged, suppressed, signal } = incident;
  // Some may have been in trouble before, by chance.
  const [first] = hosts
    .filter(({ first_us }) => first_us >= started_us)
    .sort((a, b) => a.first_us - b.first_us);
  const where = first
    ? [hosts_total > 1 ? ', first on ' : ', on ', make('span', 'first', first.hostname || UNKNOWN)]
    : [];
  const list = [
    fact('Began', moment(started_us), ...where),
    fact('Detected', detected_us === 0 ? 'not yet' : `${span(detected_us - started_us)} later`),
    isOver(incident)
      ? fact(
          'Ended',
          moment(last_us),
          `, after ${span(last_us - started_us)}; resolved `,
          makeTime(resolved_us, (ago) => `${ago} ago`),
        )
      : state === 'resolving'
        ? fact('Ended', moment(last_us), ', and has to stay over for a while')
        : fact(
            'Lasts',
            makeTime(started_us, (ago) => ago),
          ),
    fact('Hosts', number.format(hosts_total), fleet > 0 ? ` of ${number.format(fleet)} in the fleet` : ''),
  ];
  if (cause) list.push(fact('Comes of', ...causeOf(cause)));
  if (consequences.length > 0) list.push(fact('Consequences', ...links(consequences)));
  if (changes.length > 0)
    list.push(fact('Changes before it', make('ul', '', ...changes.map(changeOf(started_us)))));
  if (rollout)
    list.push(fact('New on', `${rollout.attribute} ${rollout.value}, since `, moment(rollout.since_us)));
  if (signal.kind === 'crash') list.push(fact('Crashes', crashLink(signal)));
  if (incident.loops.length > 0) list.push(fact('Crash again and again', incident.loops.join(', ')));
  if (acknowledged) {
    const { by, at_us, comment } = acknowledged;
    list.push(
      fact(
        'Acknowledged',
        `by ${by || 'somebody'}, `,
        makeTime(at_us, (ago) => `${ago} ago`),
        comment && `: ${comment}`,
      ),
    );
  }
  if (suppressed)
    list.push(
      fact(
        'Nobody is told',
        `by ${suppressed.by} `,
        suppressed.by === 'incident' ? incidentLink(suppressed.id) : make('code', '', suppressed.id),
      ),
    );
  if (regression_of !== '') list.push(fact('Came back after', incidentLink(regression_of)));
  if (merged_into !== '') list.push(fact('Merged into', incidentLink(merged_into)));
  if (late.reports > 0) list.push(fact('Came too late', lateOf(late)));
  if (runbook !== '') list.push(fact('Runbook', runbookOf(runbook)));
  return list;
}

/** Which was first, as far as clocks and reports can tell. */
function causeOf({ incident_id, hostname, host_id, order, gap_us, error_us }) {
  const gap = `${seconds(Math.abs(gap_us))} ± ${seconds(error_us)}`;
  const when =
    order === 'before'
      ? `which began ${gap} before`
      : `concurrent: ${gap} apart, so that nobody can tell which was first`;
  return [incidentLink(incident_id), `, the packets were for ${hostname || host_id}, ${when}`];
}

function changeOf(started_us) {
  return ({ summary, at_us }) => {
    const before = started_us - at_us;
    const when = before >= 0 ? `${span(before)} before` : `${span(-before)} after it began`;
    return make('li', '', summary, make('span', 'over', `, ${when}`));
  };
}

function lateOf({ reports, events }) {
  return plural(reports, 'report', 'reports') + (events > 0 ? `, ${plural(events, 'event', 'events')}` : '');
}

function crashLink({ signature }) {
  const link = make('a', '', signature === '' ? 'all crashes' : make('code', '', signature));
  link.href = signature === '' ? '#crashes' : `#crashes/${encodeURIComponent(signature)}`;
  return link;
}

function links(ids) {
  const shown = ids.slice(0, MOST_CONSEQUENCES).flatMap((id, i) => [i === 0 ? '' : ', ', incidentLink(id)]);
  const more = ids.length - MOST_CONSEQUENCES;
  return more > 0 ? [...shown, ` and ${number.format(more)} more`] : shown;
}

/** A link only where it leads to the web: what else it may be is text. */
function runbookOf(address) {
  if (!/^https?:\/\//.test(address)) return make('code', '', address);
  const link = make('a', '', address);
  link.href = address;
  link.rel = 'noreferrer';
  return link;
}

function historyOf({ audit }) {
  const steps = audit.toReversed().map(({ at_us, event, by, detail }) => {
    const who = by === '' ? null : make('b', '', ` by ${by}`);
    return make('li', 'step', moment(at_us), make('span', '', event, who, make('span', 'note', detail)));
  });
  return [make('h3', '', 'History'), make('ol', '', ...steps)];
}

function moment(us) {
  return makeTime(us, () => clockTime(us));
}

/** To the tenth where it is short. */
function seconds(us) {
  return us < 10_000_000 ? `${Math.round(us / 100_000) / 10} s` : span(us);
}
