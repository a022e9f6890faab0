/** Any story at all: what holds whatever happens to a fleet. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isOpen } from '../incident.ts';
import { Timeline } from '../testing/timeline.ts';

const anyone = fc.constantFrom(
  'h07',
  'h33',
  'h11..h14',
  'rack=r2',
  'rack=r3 & pool=web',
  '3 of rack=r4',
  'pool=db',
  'all but rack=r1',
);
const anySignal = fc.constantFrom(
  'NEIGH_FAILED/neigh_timer_handler',
  'TCP_CSUM/tcp_v4_rcv',
  'NO_SOCKET/udp_rcv',
);
/** So few that one relay has room for them in a message. */
const few = fc.constantFrom('h07', 'h33', 'h11..h14');
const aTitle = fc.constantFrom('bug in x', 'bug in y');

const anyLine = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(anyone, anySignal).map(([who, signal]) => `${who} drops ${signal} at 500/s`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(anyone, anySignal)
      .map(([who, signal]) => `${who} drops ${signal} at 500/s towards h07`),
  },
  { weight: 4, arbitrary: anyone.map((who) => `${who} recovers`) },
  { weight: 2, arbitrary: anyone.map((who) => `${who} falls silent`) },
  { weight: 2, arbitrary: anyone.map((who) => `${who} speaks again`) },
  { weight: 1, arbitrary: anyone.map((who) => `${who} stops`) },
  {
    weight: 2,
    arbitrary: fc.tuple(few, aTitle).map(([who, title]) => `${who} crashes "${title}", heard by h40`),
  },
  { weight: 1, arbitrary: fc.tuple(few, aTitle).map(([who, title]) => `${who} crashes "${title}"`) },
  { weight: 3, arbitrary: anyone.map((who) => `${who} boots with pstore`) },
  { weight: 1, arbitrary: anyone.map((who) => `${who} is cut off`) },
  { weight: 1, arbitrary: anyone.map((who) => `${who} is reconnected`) },
  { weight: 1, arbitrary: anyone.map((who) => `${who} loses its spool`) },
  { weight: 1, arbitrary: anyone.map((who) => `${who} comes to firmware 28.41`) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('rack=r2', 'reason=NEIGH_FAILED', 'kind=silence')
      .map((what) => `ann silences ${what} for 2 min as s1`),
  },
  { weight: 1, arbitrary: fc.constant('ann ends s1') },
  { weight: 1, arbitrary: fc.constant('the log is away for 20 s') },
);

const anyStory = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 90 }), anyLine), { minLength: 1, maxLength: 12 })
  .map((lines) => {
    let at = 30;
    const told = lines.map(([later, line]) => {
      at += later;
      return `${clock(at)}  ${line}`;
    });
    // In the end all is well, for so long that every hold-down is over.
    return [
      'fleet  40 hosts: rack r1..r4 of 10, pool web|db in turn, firmware 28.39|28.40 in turn',
      '00:00  epoch incident.crash_quiet_s=30',
      '00:00  epoch incident.hold_down_s=5',
      ...told,
      `${clock(at + 30)}  all are reconnected`,
      `${clock(at + 30)}  all speak again`,
      `${clock(at + 60)}  all recover`,
      `${clock(at + 600)}  end`,
    ].join('\n');
  });

function clock(s: number): string {
  return `${String(Math.floor(s / 60)).padStart(2, '0')}:${String(s % 60).padStart(2, '0')}`;
}

/** The letters of incidents in the lines of a form. */
function lettersOf(lines: readonly string[], form: RegExp): readonly string[] {
  return lines.filter((line) => form.test(line)).map((line) => line.split(' ')[1] as string);
}

// RUNS=500 SEED=7 looks for more.
const { RUNS = '10', SEED = '1' } = process.env;

test('is told to somebody or kept from all, pages nothing twice, and is over once all is well; replicas that restart read the same', () => {
  fc.assert(
    fc.property(anyStory, fc.integer({ min: 20, max: 400 }), (script, every) => {
      const told = new Timeline(script);
      const { lines } = told.transcript;
      const text = lines.join('\n');
      const { lines: retold, digest } = told.retold(every);
      expect(retold.join('\n')).toBe(text);
      expect(digest).toBe(told.digest());
      const open = [...told.fold.incidents()].filter(isOpen).map(({ title, state }) => `${state}: ${title}`);
      expect(open, text).toEqual([]);
      for (const form of [
        / (fires.*, page|pages):? /,
        / escalates, page/,
        / is (resolved|merged).*, page$/,
      ]) {
        const letters = lettersOf(lines, form);
        expect(letters, `${form} in\n${text}`).toEqual([...new Set(letters)]);
      }
      const silent = lettersOf(lines, / fires(, a regression of .)?: /);
      const kept = lettersOf(lines, / is (suppressed by|merged into) /);
      expect(
        silent.filter((letter) => !kept.includes(letter)),
        text,
      ).toEqual([]);
    }),
    { numRuns: Number(RUNS), seed: Number(SEED) },
  );
}, 600_000);
