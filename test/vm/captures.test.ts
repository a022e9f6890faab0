import {
  type CrashLog,
  groupPstore,
  HEAD_BYTES,
  joinPstore,
  lastBeginning,
  NetconsoleReassembly,
  type SenderKey,
} from '@netfall/crash';
import { describe, expect, it } from 'vitest';
import { type Capture, captureNames, readCapture } from './captures.ts';
import { crashes } from './crashes.ts';
import { branches } from './packages.ts';

const SECOND_US = 1_000_000;
const PLENTY = 1024 * 1024;
const sender: SenderKey = { a: 0, b: 0, c: 0xffff, d: 0xc0a84d02, stream: 0 };

const beginnings = {
  'null-dereference': /^oops: BUG: kernel NULL pointer dereference, address: 0000000000000040$/,
  panic: /^panic: Kernel panic - not syncing: sysrq triggered crash$/,
  'soft-lockup': /^lockup: watchdog: BUG: soft lockup - CPU#[01] stuck for \d+s! \[sh:\d+\]$/,
  warning: /^warning: WARNING: CPU: [01] PID: \d+ at netfall_crash\.c:\d+ provoke\+0x\S+ \[netfall_crash\]$/,
};
/** The dumps that ramoops keeps. */
const dumps = {
  'null-dereference': ['Oops', 'Panic'],
  panic: ['Panic'],
  'soft-lockup': ['Panic'],
  warning: [],
};

/** What a relay makes of the datagrams. */
function heard({ datagrams }: Capture) {
  const begun: string[] = [];
  const limits = { senders: 16, newSendersPerS: 1e9, senderPerS: 1e9, senderBurst: 1e9, totalPerS: 1e9 };
  const sizes = { maxBytes: 4 * PLENTY, maxLogBytes: PLENTY, contextBytes: PLENTY };
  const times = { quietUs: 5 * SECOND_US, longestUs: 120 * SECOND_US };
  const reassembly = new NetconsoleReassembly(
    { limits, ...sizes, ...times, isKnown: () => false, seed: 1 },
    {
      began: ({ beginning }) => begun.push(`${beginning?.kind}: ${beginning?.text}`),
      lost: () => expect.unreachable(),
    },
  );
  for (const { data, at_ms } of datagrams) {
    reassembly.take(sender, data, 0, data.length, SECOND_US + at_ms * 1000);
  }
  const logs = reassembly.settleAll(() => true).map((crash) => crash.assemble());
  reassembly.takeLosses((hop, count) => expect.unreachable(`${hop} ${count}`));
  return { begun, logs };
}

it('there is one of each trouble on each kernel', async () => {
  const names = branches.flatMap((kernel) =>
    ['warning', ...crashes].map((trouble) => `${kernel}-${trouble}`),
  );
  expect(await captureNames()).toEqual(names.sort());
});

describe.each(await captureNames())('%s', (name) => {
  const trouble = name.replace(/^[\d.]+-/, '') as keyof typeof beginnings;

  it('was sent whole, twice', async () => {
    const { begun, logs } = heard(await readCapture(name));
    expect(begun).toEqual([
      expect.stringMatching(beginnings[trouble]),
      expect.stringMatching(beginnings[trouble]),
    ]);
    expect(begun[0]).toBe(begun[1]);
    expect(logs.map(({ holes, lostMessages }) => [holes, lostMessages])).toEqual([
      [[], 0],
      [[], 0],
    ]);
    const [shorter = '', longer = ''] = logs.map(textOf).sort((a, b) => a.length - b.length);
    // Targets begin one after the other, with what is printed from then on.
    expect(shorter.length).toBeGreaterThan(4000);
    expect(longer.endsWith(shorter)).toBe(true);
  });

  it('is in pstore after the reboot, word for word', async () => {
    const capture = await readCapture(name);
    const sent = textOf(heard(capture).logs[0]);
    const files = capture.pstore.map(({ name: file, mtime_us, data }) => ({
      ...{ name: file, mtimeUs: mtime_us, head: data.subarray(0, HEAD_BYTES), size: data.length, data },
    }));
    const found = groupPstore(files).map(({ reason, parts }) => {
      const text = textOf(joinPstore(parts.map(({ number, file }) => ({ number, bytes: file.data }))));
      const { kind, text: line } = lastBeginning(text) ?? {};
      expect(`${kind}: ${line}`).toMatch(beginnings[trouble]);
      // Consoles leave out what is for debugging, and how much a line matters.
      const printed = text.replaceAll(/^<7>.*\n/gm, '').replaceAll(/^<\d+>/gm, '');
      const from = printed.indexOf(sent.slice(0, 80));
      expect(from).toBeGreaterThan(0);
      expect(sent.startsWith(printed.slice(from))).toBe(true);
      return reason;
    });
    expect(found).toEqual(dumps[trouble]);
  });

  it('has the console of that boot', async () => {
    const [first = ''] = (await readCapture(name)).console.split('\n');
    expect(first.startsWith(`[    0.000000] Linux version ${name.replace(/-.*/, '')}.`)).toBe(true);
  });
});

function textOf(log: CrashLog | undefined): string {
  return Buffer.from(log?.bytes ?? []).toString();
}
