/** How much a relay tells of what its reassembly hears, which the test decides. */
import { createSocket } from 'node:dgram';
import type { HeardCrash, HeardEvents } from '@netfall/crash';
import { expect, it, onTestFinished, vi } from 'vitest';
import { FakeClock } from '../testing/fake-clock.ts';
import { CrashRecorder } from '../testing/recorder.ts';
import { RelaySource } from './source.ts';

const MIB = 1024 * 1024;
const LOG = Buffer.alloc(4 * MIB, 'x');

function crash(isKnown: boolean, kib: number, parts = kib): HeardCrash {
  const log = { bytes: LOG.subarray(0, kib * 1024), holes: [], wrapAt: 0, lostMessages: 0 };
  return {
    sender: { a: 0, b: 0, c: 0xffff, d: 0x7f00_0001, stream: 0 },
    ...{ isKnown, kernel: '', boot: '', firstUs: 1, lastUs: 1, beginning: null },
    ...{ parts, duplicates: 0, isCut: false, revision: 1 },
    assemble: () => log,
  };
}

/** A relay whose clock stands still; `hear` has its reassembly receive a datagram and do something about it. */
function start() {
  const urgent = vi.fn();
  let hearing: (events: HeardEvents) => void = () => {};
  const heard = vi.fn();
  const waiting: HeardCrash[] = [];
  const settle = (wants: (crash: HeardCrash) => boolean) => {
    const settled = waiting.filter(wants);
    for (const one of settled) waiting.splice(waiting.indexOf(one), 1);
    return settled;
  };
  const source = new RelaySource({
    ...{ root: '/', clock: new FakeClock(), urgent, name: 'netoops', hears: 'hears', listen: '127.0.0.1:0' },
    ...{ allow: ['127.0.0.0/8'], known: [], receiveBufferBytes: 65_536 },
    reassembly: (events) => ({
      take: () => {
        hearing(events);
        heard();
      },
      get isAnyWhole() {
        return waiting.length > 0;
      },
      settle: (_, wants) => settle(wants),
      settleAll: settle,
      takeLosses: () => {},
    }),
  });
  source.start();
  const sender = createSocket('udp4');
  onTestFinished(() => {
    source.stop();
    sender.close();
  });
  const hear = async (what: (events: HeardEvents) => void) => {
    hearing = what;
    heard.mockClear();
    sender.send('x', source.port, '127.0.0.1');
    await vi.waitUntil(() => heard.mock.calls.length > 0);
  };
  return { source, urgent, waiting, hear };
}

it('hands over reports of 4 MiB of logs at a time', () => {
  const { source, urgent, waiting } = start();
  for (let i = 0; i < 5; i++) waiting.push(crash(true, 2048));
  const told = [0, 0, 0].map(() => {
    urgent.mockClear();
    const recorder = new CrashRecorder();
    source.collect(recorder);
    return [recorder.reports.length, urgent.mock.calls.length];
  });
  expect(told).toEqual([
    [2, 1],
    [2, 1],
    [1, 0],
  ]);
});

it('reports of strangers what 16 MiB hold, by the length of the logs as well as of what came', () => {
  const { source, waiting } = start();
  for (let i = 0; i < 6; i++) waiting.push(crash(false, 4096, 1));
  const recorder = new CrashRecorder();
  // One a collection: what a log was is known once it is assembled.
  for (let i = 0; i < 4; i++) {
    const next = waiting.splice(1);
    source.collect(recorder);
    waiting.push(...next);
  }
  expect(recorder.reports).toHaveLength(4);
  source.finish();
  source.collect(recorder);
  expect([recorder.reports.length, recorder.losses]).toEqual([4, { unreported: 2 }]);
});

it('reports no more of crashes that gave way to others', async () => {
  const { source, hear } = start();
  await hear(({ began, lost }) => {
    for (let i = 0; i < 5; i++) {
      const stranger = crash(false, 4096);
      began(stranger);
      lost(stranger);
    }
    // One that no witness told of.
    lost(crash(true, 1));
  });
  const recorder = new CrashRecorder();
  source.collect(recorder);
  expect([recorder.reports.length, recorder.losses]).toEqual([4, { unreported: 2 }]);
});

it('keeps 256 witnesses while no message has room for them', async () => {
  const { source, hear } = start();
  const recorder = new CrashRecorder();
  recorder.hasRoom = false;
  await hear(({ began }) => {
    for (let i = 0; i < 300; i++) began(crash(true, 1));
  });
  source.collect(recorder);
  recorder.hasRoom = true;
  source.collect(recorder);
  expect([recorder.witnesses.length, recorder.losses]).toEqual([256, { unreported: 44 }]);
});

it('asks to be collected at once when a crash is whole, unless strangers have had all that they may', async () => {
  const { source, urgent, waiting, hear } = start();
  const recorder = new CrashRecorder();
  await hear(() => waiting.push(crash(false, 1)));
  await vi.waitUntil(() => urgent.mock.calls.length > 0);
  for (let i = 1; i < 64; i++) waiting.push(crash(false, 1));
  for (let i = 0; i < 8; i++) source.collect(recorder);
  expect(recorder.reports).toHaveLength(64);
  urgent.mockClear();
  await hear(() => waiting.push(crash(false, 1)));
  source.collect(recorder);
  expect([recorder.reports.length, urgent.mock.calls.length]).toEqual([64, 0]);
});
