import { expect, test } from 'vitest';
import { Agent, type Trouble } from './agent.ts';
import { Fleet } from './fleet.ts';
import { SECOND } from './plan.ts';
import { Random } from './random.ts';
import { NEIGH_FAILED, NETFILTER_DROP, RX_MISSED, type Signal } from './signals.ts';

const [host] = new Fleet(20, new Random('agent')).hosts;
const START_US = 1_700_000_000_000_000;

/** An agent that speaks every ten seconds, started at 0, on a host that drops 20 packets a second of one kind. */
function anAgent(): Agent {
  const usual = [{ signal: NETFILTER_DROP, rate: 20, swing: 0 }];
  return new Agent({
    ...{
      host: host!,
      cell: 'c',
      intervalUs: 10 * SECOND,
      startUs: START_US,
      clockUs: -1_500_000,
      sinceUs: 0,
    },
    ...{ random: new Random('agent'), usual, traffic: 1000 },
  });
}

function trouble(fromS: number, untilS: number, part: Partial<Trouble> = {}): Trouble {
  const span = { fromUs: fromS * SECOND, untilUs: untilS * SECOND };
  return { signal: NEIGH_FAILED, rate: 500, towards: [], ...span, ...part };
}

/** Lets it speak up to then; returns when it did, s. */
function speak(agent: Agent, untilS: number): number[] {
  const spoke: number[] = [];
  while (agent.dueUs <= untilS * SECOND) {
    spoke.push(agent.dueUs / SECOND);
    agent.seal(agent.dueUs);
  }
  return spoke;
}

test('at rest it speaks once an interval, first of who it is', () => {
  const agent = anAgent();
  const first = agent.seal(agent.dueUs);
  expect(first).toMatchObject({ seq: 1, oldest_seq: 1, observed_us: START_US + 500_000, losses: [] });
  expect(first.items.flatMap((item) => Object.keys(item))).toEqual([
    'heartbeat',
    'inventory',
    'drop_report',
    'counter_report',
  ]);
  expect(speak(agent, 40)).toEqual([12, 22, 32]);
  const next = agent.seal(agent.dueUs);
  expect(next.seq).toBe(5);
  expect(next.items.some(({ inventory }) => inventory)).toBe(false);
  const drops = next.items.find(({ drop_report }) => drop_report)?.drop_report?.drops;
  expect(drops).toMatchObject([{ reason: 'NETFILTER_DROP', events: 200, packets: 200, bytes: 18_000 }]);
});

test('news is told within a second, and then every second for half a minute', () => {
  const agent = anAgent();
  speak(agent, 15);
  agent.suffer(trouble(15.5, 20), 15.5 * SECOND);
  const spoke = speak(agent, 70);
  expect(spoke.slice(0, 3)).toEqual([16, 17, 18]);
  expect(spoke.slice(29)).toEqual([45, 46, 56, 66]);
});

test.each<[string, Signal, number, number]>([
  ['four times what is usual', NETFILTER_DROP, 80, 16],
  ['less than that', NETFILTER_DROP, 70, 22],
  ['little of something new, once there is enough of it', NEIGH_FAILED, 2, 19],
  ['a counter', RX_MISSED, 100, 16],
])('news is: %s', (_, signal, rate, saidS) => {
  const agent = anAgent();
  speak(agent, 15);
  agent.suffer(trouble(15.5, 60, { signal, rate }), 15.5 * SECOND);
  expect(speak(agent, 30)[0]).toBe(saidS);
});

test('a window has what fell into it', () => {
  const agent = anAgent();
  speak(agent, 15);
  agent.suffer(trouble(15.5, 17.5, { towards: ['10.9.9.9'] }), 15.5 * SECOND);
  const events = [16, 17, 18, 19].map((atS) => {
    const { items } = agent.seal(atS * SECOND);
    const report = items.find(({ drop_report }) => drop_report)?.drop_report;
    expect(report?.samples.map(({ flows }) => flows[0]?.destination)).toEqual(atS < 19 ? ['10.9.9.9'] : []);
    return report?.drops.find(({ reason }) => reason === 'NEIGH_FAILED')?.events ?? 0;
  });
  // 250 in the first half second, 500 in the second after it, 250 in the last half, each within a quarter.
  for (const [i, mean] of [250, 500, 250, 0].entries()) {
    expect(events[i]).toBeGreaterThanOrEqual(mean * 0.75);
    expect(events[i]).toBeLessThanOrEqual(mean * 1.25 + 1);
  }
});

test('before its first message nothing is news', () => {
  const agent = anAgent();
  agent.suffer(trouble(0.5, 60), 0.5 * SECOND);
  expect(speak(agent, 3)).toEqual([2]);
  agent.stop();
  expect(agent.isDown).toBe(true);
  agent.start(20 * SECOND);
  agent.become({ kernel: '6.99' });
  agent.look(20.1 * SECOND);
  const boot = agent.seal(agent.dueUs);
  expect(agent.dueUs).toBe(32 * SECOND);
  expect(boot).toMatchObject({ seq: 2, boot_id: '00000002-0000-4000-8000-000000000000' });
  expect(boot.items[1]?.inventory?.kernel).toBe('6.99');
});

test('what its host is made of is told when it looks, and it looks when there is trouble', () => {
  const agent = anAgent();
  speak(agent, 15);
  const kernelAt = (atS: number) => {
    const { items } = agent.seal(atS * SECOND);
    return items.find(({ inventory }) => inventory)?.inventory?.kernel;
  };
  agent.become({ kernel: '6.98' });
  expect(kernelAt(22)).toBe(undefined);
  agent.look(23.5 * SECOND);
  expect(agent.dueUs).toBe(24 * SECOND);
  expect([kernelAt(24), kernelAt(25)]).toEqual(['6.98', undefined]);
  agent.become({ kernel: '6.99' });
  agent.suffer(trouble(70.5, 80), 70.5 * SECOND);
  expect([kernelAt(70), kernelAt(71), kernelAt(72)]).toEqual([undefined, '6.99', undefined]);
});

test('while the log is out of reach it slows down, and says which messages may still come', () => {
  const agent = anAgent();
  speak(agent, 20);
  agent.cut(20 * SECOND, 100 * SECOND);
  expect(agent.cutUntil(99 * SECOND)).toBe(100 * SECOND);
  expect(agent.cutUntil(100 * SECOND)).toBe(null);
  const said = [22, 23].map((atS) => {
    const envelope = agent.seal(atS * SECOND);
    agent.awaits(100 * SECOND);
    return [envelope.seq, envelope.oldest_seq, envelope.items[0]?.heartbeat?.spool_messages];
  });
  expect(said).toEqual([
    [3, 3, 0],
    [4, 3, 1],
  ]);
  expect(agent.dueUs).toBe(33 * SECOND);
  agent.seal(33 * SECOND);
  expect(agent.dueUs).toBe(63 * SECOND);
  agent.suffer(trouble(40, 60), 40 * SECOND);
  expect(agent.dueUs).toBe(63 * SECOND);
  const back = agent.seal(101 * SECOND);
  expect([back.seq, back.oldest_seq, back.items[0]?.heartbeat?.spool_messages]).toEqual([6, 6, 0]);
});

test('what it hears of others, and its goodbye, are in its next message', () => {
  const agent = anAgent();
  speak(agent, 15);
  agent.hear({ crash_witness: null }, 15.2 * SECOND);
  expect(agent.dueUs).toBe(16 * SECOND);
  const last = agent.seal(15.9 * SECOND, 'SIGTERM');
  expect(last.items.slice(-2)).toEqual([{ crash_witness: null }, { goodbye: { reason: 'SIGTERM' } }]);
});
