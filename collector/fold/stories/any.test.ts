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

test('reads the same by replicas that restart; pages nothing twice; and is over once all is well', () => {
  fc.assert(
    fc.property(anyStory, (script) => {
      const told = new Timeline(script);
      const { lines } = told.transcript;
      const { lines: retold, digest } = told.retold();
      expect(retold.join('\n')).toBe(lines.join('\n'));
      expect(digest).toBe(told.digest());
      const open = [...told.fold.incidents()].filter(isOpen).map(({ title, state }) => `${state}: ${title}`);
      expect(open, lines.join('\n')).toEqual([]);
      for (const kind of ['fires', 'pages', 'escalates', 'is resolved']) {
        const of = lines.filter(
          (line) => line.includes(` ${kind}`) && (kind === 'pages' || line.includes(', page')),
        );
        const letters = of.map((line) => line.split(' ')[1]);
        expect(new Set(letters).size, `${kind}\n${lines.join('\n')}`).toBe(letters.length);
      }
      expect(told.fold.rows().global.rejected).toEqual({});
    }),
    { numRuns: Number(process.env['RUNS'] ?? 15), seed: Number(process.env['SEED'] ?? 1) },
  );
}, 600_000);
