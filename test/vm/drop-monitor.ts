/** The drop monitor on kernels that have one, Debian's in VMs: `netfall up` and `netfall drops` as processes in them. */
import { type Drop, decodeEntry, type Envelope, readEventLine } from '@netfall/proto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { whyNoDropwatch } from './dropwatch.ts';
import { type Branch, branches } from './packages.ts';
import { whyNoVmTests } from './qemu.ts';
import { bootVm } from './vm.ts';

const MINUTE_MS = 60_000;
const RECORD = '/run/netfall/drop-monitor.json';
const FRESH = { config: { mode: 'summary', truncationBytes: 0, queueLength: 1000 }, runs: false };
const SENT = 20_000;
const DATA = '/tmp/data';

/** As another tool would command the monitor. */
const control = (script: string) => `node --input-type=module -e "
  import { KernelMonitor } from './agent/sources/drop-monitor/control.ts';
  const control = new KernelMonitor();
  ${script}
  let runs = false;
  try { control.configure({}); } catch { runs = true; }
  console.log(JSON.stringify({ config: control.config(), runs }));"`;

const LOOK = control('');
/** Until it is not taken back in the middle. */
const MEDDLE = control(`for (let done = false; !done;) {
    control.stop('software');
    control.stop('hardware');
    try { control.configure({ mode: 'summary' }); done = true; } catch {}
  }`);

/** How many drops of a kind an agent reported. */
function countedIn(said: readonly Envelope[], kind: Readonly<Partial<Drop>>): number {
  return said
    .flatMap(({ items }) => items.flatMap((item) => item.drop_report?.drops ?? []))
    .filter((drop) => Object.entries(kind).every(([key, value]) => drop[key as keyof Drop] === value))
    .reduce((sum, { events }) => sum + events, 0);
}

/** Defines the suite for one kernel: a file each, so that they run side by side. */
export async function testDropMonitor(kernel: Branch): Promise<void> {
  const missing = whyNoDropwatch() ?? (await whyNoVmTests(kernel));
  const name = `the drop monitor of Linux ${kernel} in a VM${missing === null ? '' : ` (${missing})`}`;
  describe.skipIf(missing !== null)(name, { timeout: 5 * MINUTE_MS, retry: 1 }, () => {
    let vm: Awaited<ReturnType<typeof bootVm>>;

    beforeAll(async () => {
      vm = await bootVm({ kernel, memoryMb: 1024 });
      await output('ip link set lo up');
    }, 3 * MINUTE_MS);

    afterAll(() => vm?.[Symbol.asyncDispose]());

    // What a test leaves when it fails would disturb the next one.
    afterEach(() =>
      output(`
        if test -e /tmp/pid; then
          kill -KILL $(cat /tmp/pid) 2> /dev/null || true
          while kill -0 $(cat /tmp/pid) 2> /dev/null; do sleep 0.1; done
        fi
        rm -rf /tmp/pid ${DATA}`),
    );

    /** What the script prints; it must end well. */
    async function output(script: string): Promise<string> {
      const path = 'export HOME=/tmp PATH=$PWD/node_modules/.bin:/usr/sbin:/sbin:$PATH';
      const { status, stdout, stderr } = await vm.run(`${path}\n${script}`, { timeoutMs: 4 * MINUTE_MS });
      expect({ status, stderr: status === 0 ? '' : `${stdout}${stderr}` }).toEqual({ status: 0, stderr: '' });
      return stdout.toString();
    }

    /** Runs `netfall up` until it is told to stop; resolves when it has the monitor. */
    async function up(agent: object, takes = true): Promise<{ readonly ended: Promise<string> }> {
      const config = JSON.stringify({ agent });
      const ended = output(`
        echo $$ > /tmp/pid
        : > /tmp/up.out
        echo '${config}' > /tmp/up.yaml
        exec node cli/main.ts up --listen 127.0.0.1:0 --data ${DATA} --config /tmp/up.yaml > /tmp/up.out`);
      // Its end is looked at where it is expected.
      ended.catch(() => {});
      const taken = takes ? ` && grep -q left ${RECORD}` : '';
      await output(`until grep -q http: /tmp/up.out${taken}; do sleep 0.1; done; sleep 1`);
      return { ended };
    }

    const stop = (signal: string) => output(`kill -${signal} $(cat /tmp/pid)`);
    const state = async () => JSON.parse(await output(LOOK));

    /** What an agent said in all of its messages. */
    async function saidByAgent(): Promise<Envelope[]> {
      const lines = (await output(`node cli/main.ts export --data ${DATA}`)).trim().split('\n');
      return lines.flatMap((line, i) => decodeEntry(readEventLine(line, i + 1).data).envelope ?? []);
    }

    it('passes the tests of its source', async () => {
      const said = await output('NETFALL_IN_VM=1 vitest run agent/sources/drop-monitor 2>&1');
      expect(said).toMatch(/^12 passed, 0 failed, 0 skipped$/m);
    });

    it.each([
      ['packet', { reason: 'NO_SOCKET', function: '__udp4_lib_rcv', protocol: 'IPv4' }],
      ['summary', { reason: 'NOT_SPECIFIED', function: '__udp4_lib_rcv', protocol: '' }],
    ])(
      'counts every drop of a flood in %s mode, is taken back from another tool, and given back after SIGTERM',
      async (mode, kind) => {
        const agent = { count_drops_with: 'drop-monitor', sources: { 'drop-monitor': { mode } } };
        const { ended } = await up(agent);
        const { sent } = JSON.parse(
          await output(
            `node test/load/udp-flood.ts --host=127.0.0.1 --port=9 --count=${SENT} --ratePerSecond=4000; sleep 4`,
          ),
        );
        expect(sent).toBe(SENT);
        expect(await state()).toMatchObject({ config: { mode }, runs: true });
        if (mode === 'packet') {
          await output(MEDDLE);
          await expect
            .poll(state, { timeout: MINUTE_MS })
            .toMatchObject({ config: { mode: 'packet' }, runs: true });
        }
        await stop('TERM');
        await ended;
        expect(await state()).toEqual(FRESH);

        const said = await saidByAgent();
        const counted = countedIn(said, kind);
        const losses = said
          .flatMap((envelope) => envelope.losses)
          .filter(({ source }) => source === 'drop-monitor');
        const lost = losses.reduce((sum, { count }) => sum + count, 0);
        console.log(`Linux ${kernel}, ${mode}: ${counted} counted + ${lost} lost of ${sent} sent`, losses);
        expect(counted + lost).toBe(SENT);
        const sources = said.map(({ items }) => items.find(({ heartbeat }) => heartbeat)?.heartbeat?.sources);
        expect(sources.at(-1)).toContainEqual(
          expect.objectContaining({ name: 'kfree-skb', detail: 'drop-monitor counts drops' }),
        );
        if (mode === 'packet') {
          expect(sources.flatMap((list) => list?.map(({ detail }) => detail))).toContainEqual(
            expect.stringMatching(
              /^another tool set it to summary mode and stopped .*, which was taken back; /,
            ),
          );
        }
      },
    );

    it('recovers within 5 s from dropwatch, started and stopped beside it', async () => {
      // dropwatch never switches off the monitoring of hardware, and no mode can be set while that is on.
      const sources = { 'drop-monitor': { hardware: false } };
      const { ended } = await up({ count_drops_with: 'drop-monitor', sources });
      const [refused, started, stopped] = (
        await output(`
        set -e
        flood() { node test/load/udp-flood.ts --host=127.0.0.1 --port=9 --count=1000 --ratePerSecond=1000 > /tmp/sent; }
        echo start | dropwatch | grep error
        flood
        rm -f /tmp/commands
        mkfifo /tmp/commands
        stdbuf -oL dropwatch -l kas < /tmp/commands > /tmp/dropwatch.out &
        exec 3> /tmp/commands
        # Lest the monitor is taken back in the middle, at which dropwatch would end.
        kill -STOP $(cat /tmp/pid)
        printf 'stop\\nset alertmode summary\\nstart\\n' >&3
        until grep -q activated /tmp/dropwatch.out; do kill -0 $!; sleep 0.1; done
        date +%s%6N
        kill -CONT $(cat /tmp/pid)
        sleep 5
        flood
        sleep 2
        date +%s%6N
        kill -INT $!
        echo exit >&3
        sleep 5
        wait $!
        flood
        # It went on listening when the monitor was taken back from it.
        grep -q '^drop at: __udp4_lib_rcv+' /tmp/dropwatch.out
        sleep 2`)
      ).split('\n');
      await stop('TERM');
      await ended;
      expect(await state()).toEqual(FRESH);
      expect(refused).toBe('Failed activation request, error: Resource temporarily unavailable');

      const said = await saidByAgent();
      expect(countedIn(said, { reason: 'NO_SOCKET', function: '__udp4_lib_rcv', protocol: 'IPv4' })).toBe(
        3000,
      );
      for (const [at, did] of [
        [Number(started), 'set it to summary mode'],
        [Number(stopped), 'stopped the monitoring of software'],
      ] as const) {
        const detail = `another tool ${did}, which was taken back; counts drops by reason, function and protocol, an alert a packet`;
        const soon = said.filter(({ observed_us }) => observed_us >= at && observed_us <= at + 5_000_000);
        const statuses = soon.flatMap(({ items }) =>
          items.flatMap(({ heartbeat }) => heartbeat?.sources ?? []),
        );
        expect(statuses).toContainEqual(expect.objectContaining({ name: 'drop-monitor', detail }));
      }
    });

    // The rest does not depend on the kernel, and VMs are slow.
    if (kernel !== branches.at(-1)) return;

    it('is given back after SIGKILL at the next start when it is switched off', async () => {
      const { ended } = await up({ count_drops_with: 'drop-monitor' });
      await stop('KILL');
      await expect(ended).rejects.toThrow();
      expect(await state()).toMatchObject({ config: { mode: 'packet' }, runs: true });
      const next = await up({ sources: { 'drop-monitor': { enabled: false } } }, false);
      await output(`until ! test -e ${RECORD}; do sleep 0.1; done`);
      expect(await state()).toEqual(FRESH);
      await stop('TERM');
      await next.ended;
    });

    it('counts and captures for the command line where BPF is not to be had', async () => {
      // No /sys: no BTF, no BPF program.
      await output('mkdir -p /tmp/root/run; ln -s /proc /lib /tmp/root');
      const floodWhen = (record: string) =>
        output(`
        until grep -q left /tmp/root/run/netfall/${record}; do sleep 0.1; done
        sleep 1
        node test/load/udp-flood.ts --host=127.0.0.1 --port=9 --count=1000 --ratePerSecond=500
        sleep 3
        kill -INT $(cat /tmp/pid)`);
      const command = (args: string) =>
        output(`
        echo $$ > /tmp/pid
        exec node cli/main.ts ${args} --for 200s --json --root /tmp/root`);
      const [table] = await Promise.all([command('drops'), floodWhen('drop-monitor-watch.json')]);
      const lines = table
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines).toContainEqual(
        expect.objectContaining({
          reason: 'NO_SOCKET',
          function: '__udp4_lib_rcv',
          protocol: 'IPv4',
          events: 1000,
        }),
      );
      expect(lines.at(-1)).toMatchObject({ ledger: { lost: 0 } });
      const [summary] = await Promise.all([
        command('drops capture -w /tmp/it.pcapng --reason NO_SOCKET'),
        floodWhen('drop-monitor-capture.json'),
      ]);
      expect(JSON.parse(summary)).toMatchObject({ kept: 1000, lost: 0 });
      expect(await state()).toEqual(FRESH);
    });
  });
}
