import { expect, test } from 'vitest';
import { story } from './timeline.ts';

const RACK = `
  fleet  20 hosts: rack r1..r2 of 10, gateway_mac by rack, pool web|db in turn, kernel 6.1
  01:00  rack=r2 drops NEIGH_FAILED/neigh_timer_handler at 500/s
`;

test('a story reads as it is expected to, whatever the blanks', () => {
  story(`${RACK}
    01:20 end`).reads(`
      01:04   A fires, page:  All 10 hosts in rack r2 drop NEIGH_FAILED in neigh_timer_handler

  `);
});

test('one that reads otherwise shows both texts', () => {
  const told = story(`${RACK}\n01:20 end`);
  expect(() => told.reads('01:05 A fires')).toThrow("expected '01:04 A fires, page: All 10 hosts in …'");
  expect(() => told.reads('')).toThrow();
});

test.each([
  [
    'a line that nothing is known of',
    '01:00 rack=r1 explodes',
    'line 2, "rack=r1 explodes": nothing like it happens in VERBS',
  ],
  ['a host that there is not', '01:00 h77 recovers', 'line 2, "h77 recovers": there is no host "h77"'],
  ['several hosts where one is meant', '01:00 h1 drops A/b at 9/s towards all', '"all" is not one host'],
  [
    'an incident that there is not',
    '01:00 ann acknowledges A',
    'line 2, "ann acknowledges A": there is no incident A yet',
  ],
  ['a time that is none', '01:00 the log is away for long', '"long" is no time: say "90 s" or "12 min"'],
  [
    'a matcher that is none',
    '01:00 ann silences rack for 90 s as s1',
    '"rack" is no matcher: say "rack=r1" or "rack!=r1"',
  ],
  [
    'lines that go back in time',
    '01:00 all are well\n00:59 all are well',
    'line 3, "00:59 all are well": it is earlier than the line before',
  ],
  ['a story without an end', '01:00 all are well', 'a story needs a line that says "end"'],
])('refuses %s', (_name, lines, message) => {
  expect(() => story(`fleet 3 hosts: rack r1..r3 of 1\n${lines}`)).toThrow(message);
});

test('refuses a question that nobody can answer', () => {
  expect(() => story(`${RACK}\n01:20 A's mood?\n01:30 end`)).toThrow("nobody knows an incident's mood");
});

test.each([
  ['h02..h04', 'h02, h03, h04'],
  ['h20,h02', 'h02, h20'],
  ['3 of rack=r2 & pool=web', 'h11, h13, h15'],
  ['rack=r2 but pool=web,h20', 'h12, h14, h16, h18'],
  ['all but rack=r1, h11..h19', 'h20'],
  ['gateway_mac=of-r1 & pool=db', 'h02, h04, h06, h08, h10'],
])('picks hosts by %s', (who, hosts) => {
  const { lines } = story(`
    fleet  20 hosts: rack r1..r2 of 10, gateway_mac by rack, pool web|db in turn
    01:00  ${who} crash "x in y", heard by h01
    01:20  A's hosts?
    01:20  end
  `);
  expect(lines.at(-1)).toBe(`01:20 A has hosts ${hosts}`);
});
