import { stripVTControlCharacters } from 'node:util';
import { allNames, type Explanation, explain } from '@netfall/catalog/explain';
import { describe, expect, it } from 'vitest';
import { run } from '../../test/processes/netfall.ts';
import { explanationPage, matchesList } from './page.ts';

const everything: Explanation = {
  name: 'QUEUE_ON_FIRE',
  kind: 'reason',
  found_in: 'drop reasons of the core',
  lost: 'sometimes',
  condition:
    'A loss unless the queue was on fire before, when somebody else has sent the packet again already.',
  layer: 'qdisc',
  direction: 'transmit',
  alarm: 10,
  severity: 'critical',
  means: 'The queue was on fire when the packet was to be put into it, and no extinguisher was at hand.',
  since: '5.18',
  until: '6.4',
  aliases: ['QDISC_ON_FIRE', 'BURNT'],
  see: ['QUEUE_WET', 'EXTINGUISHED'],
  group: 'l2_drops',
  reason: 'QDISC_DROP',
  unseen: true,
  counted_by: [
    { counter: 'qdisc_drops' },
    { counter: 'FireUdpBurnt', function: 'fire_enqueue', protocol: 'IPv4', sometimes: true },
  ],
  places: {
    fire_enqueue: { means: 'The packet itself burnt.', counted_by: [{ counter: 'FireUdpBurnt' }] },
    fire_dequeue: { means: 'It burnt on its way out.', alarm: 0 },
    fire_reset: { means: 'It burnt on its way out.' },
    fire_silent: { alarm: 'never', severity: 'info' },
  },
  causes: [
    {
      cause:
        'Somebody smoked beside the rack, and the sprinklers of the data centre were not in order on that day.',
      tell: [
        { run: 'smoke --verbose', shows: 'Ashes.' },
        { run: 'sprinkler status --all --since yesterday', shows: 'Every one of them waits for its water.' },
      ],
      mend: 'Put up a sign, and fill up the water.',
    },
    { cause: 'It is summer.', tell: [{ run: 'date', shows: 'July.' }], mend: 'Wait.' },
  ],
};
const sum: Explanation = {
  name: 'FireInErrors',
  kind: 'counter',
  found_in: '/proc/net/fire',
  lost: 'always',
  layer: 'transport',
  direction: 'any',
  alarm: 0,
  severity: 'warning',
  means: 'All that burnt.',
  counts: [{ reason: 'QUEUE_ON_FIRE', function: 'fire_enqueue', sometimes: true }],
  part_of: ['FireAll'],
  parts: ['FireUdpBurnt'],
};
const little: Explanation = {
  name: 'QUIET',
  kind: 'reason',
  found_in: 'drop reasons of the core',
  lost: 'never',
  layer: 'socket',
  direction: 'receive',
  alarm: 'never',
  severity: 'info',
  means: 'Nothing happened.',
  counted_by: [],
};

describe('golden pages', () => {
  it.each([
    ['everything-60.txt', everything, 60],
    ['everything-88.txt', everything, 88],
    ['sum.txt', sum, 80],
    ['little.txt', little, 80],
  ] as const)('%s', async (name, entry, width) => {
    const page = explanationPage(entry, { width, colour: false });
    await expect(`${page.join('\n')}\n`).toMatchFileSnapshot(`./golden/${name}`);
  });

  it('are no wider than what reads well, and the same in colours', () => {
    const plain = explanationPage(everything, { width: 88, colour: false });
    expect(explanationPage(everything, { width: 250, colour: false })).toEqual(plain);
    const coloured = explanationPage(everything, { width: 88, colour: true });
    expect(coloured.map(stripVTControlCharacters)).toEqual(plain);
    expect(coloured).not.toEqual(plain);
  });
});

it.each([60, 88])('every entry of the catalog fits into %i columns, but for commands to copy', (width) => {
  const names = allNames();
  expect(names.length).toBeGreaterThan(900);
  const tooWide = names.flatMap((name) => {
    const entry = explain(name);
    if (!entry) throw new Error(`no entry ${name}`);
    // Of what has no space, nothing can be broken off.
    return explanationPage(entry, { width, colour: false }).filter(
      (line) => [...line].length > width && !/^ *\$ /.test(line) && /\S\s+\S/.test(line),
    );
  });
  expect(tooWide).toEqual([]);
});

it('a list of names has what they mean beside them, cut to the width', () => {
  const matches = ['NO_SOCKET', 'UdpNoPorts'].map((name) => ({ name, means: explain(name)?.means ?? '' }));
  expect(matchesList(matches, { width: 40, colour: false })).toEqual([
    `NO_SOCKET   ${explain('NO_SOCKET')?.means.slice(0, 27)}…`,
    `UdpNoPorts  ${explain('UdpNoPorts')?.means.slice(0, 27)}…`,
  ]);
});

describe('netfall explain', () => {
  it.each(['SOCKET_RCVBUFF', 'SKB_DROP_REASON_SOCKET_RCVBUFF', 'socket-rcvbuff'])(
    'knows %s',
    async (name) => {
      const entry = explain('SOCKET_RCVBUFF');
      if (!entry) throw new Error('SOCKET_RCVBUFF is not in the catalog');
      const page = explanationPage(entry, { width: 80, colour: false });
      expect(await run('explain', name)).toEqual({ code: 0, stdout: `${page.join('\n')}\n`, stderr: '' });
    },
  );

  it('prints the whole entry as JSON', async () => {
    const { code, stdout } = await run('explain', 'UdpRcvbufErrors', '--json');
    expect([code, JSON.parse(stdout)]).toEqual([0, explain('UdpRcvbufErrors')]);
  });

  it('lists what a part of a name fits, and shows the entry when that is one', async () => {
    const { code, stdout } = await run('explain', 'rcvbuf');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^SOCKET_RCVBUFF +The receiving socket/m);
    expect(stdout).toMatch(/^UdpRcvbufErrors +/m);
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    const one = await run('explain', 'udp6rcvbuf');
    expect(one.stdout).toMatch(/^Udp6RcvbufErrors +counter, /);
  });

  it('lists 20 at most, and all of them as JSON', async () => {
    const { stdout } = await run('explain', 'tcp');
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(21);
    const [, more] = /^… and (\d+) more: say more of the name$/.exec(lines[20] ?? '') ?? [];
    const { matches, query } = JSON.parse((await run('explain', 'tcp', '--json')).stdout);
    expect([query, matches.length]).toEqual(['tcp', 20 + Number(more)]);
    expect(lines[0]?.startsWith(matches[0].name)).toBe(true);
  });

  it.each([
    ['NO_SOCKT', '"NO_SOCKT": did you mean NO_SOCKET?; '],
    ['\x1b[2Jxyzzy', '"\\u001b[2Jxyzzy"; '],
  ])('fails for %j, and names what may have been meant', async (name, said) => {
    expect(await run('explain', name)).toEqual({
      code: 1,
      stdout: '',
      stderr: `netfall: the catalog has no ${said}reasons are named as netfall drops shows them, counters as nstat does\n`,
    });
  });

  it('without a name is wrong usage', async () => {
    expect(await run('explain')).toEqual({
      code: 2,
      stdout: '',
      stderr: "netfall: missing required argument 'name'\n",
    });
  });
});
