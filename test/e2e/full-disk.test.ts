/** What starts on a disk without room: collectors end with one line that says so, agents watch and wait for room. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { canMount, SmallDisk } from '../../collector/testing/small-disk.ts';
import { findNatsServer, NATS_SERVER_MISSING, type NatsServer, startNatsServer } from '../nats-server.ts';
import { Netfall, run } from '../processes/netfall.ts';

const disks: SmallDisk[] = [];

afterEach(() => {
  for (const disk of disks.splice(0)) disk.unmount();
});

/** A folder on a disk with room for so many bytes. */
function diskOf(bytes: number): string {
  const disk = new SmallDisk(bytes || 65_536);
  disks.push(disk);
  if (bytes === 0) disk.fill();
  return join(disk.dir, 'data');
}

/** Enough for nothing, for the first files, and for all but the last. */
const ROOM = [0, 8, 16, 24, 32, 48, 64].map((kib) => kib * 1024);

describe.skipIf(!canMount())('netfall up on a full disk (needs to mount one)', () => {
  it.each(ROOM)('ends with one line that names the folder and the mend: %s bytes free', async (bytes) => {
    const data = diskOf(bytes);
    const { code, stdout, stderr } = await run('up', '--data', data, '--listen', '127.0.0.1:0');
    expect([code, stdout]).toEqual([1, '']);
    const line = stderr.replaceAll(data, 'DATA');
    expect(line).toMatch(
      /^netfall: (the disk under DATA\/log is full: free space on it, .*|DATA\/collector cannot be used \(.*\): make room on its disk, or .*)\n$/,
    );
  });
});

describe.skipIf(!canMount() || !findNatsServer())(
  `on a full disk, over NATS (needs to mount one; ${NATS_SERVER_MISSING})`,
  () => {
    const dir = mkdtempSync(join(tmpdir(), 'netfall-full-'));
    let server: NatsServer;

    beforeAll(async () => {
      server = await startNatsServer({ dir: join(dir, 'nats') });
    });

    afterAll(async () => {
      await server?.stop();
      rmSync(dir, { recursive: true });
    });

    function configure(data: string, more = ''): string {
      const file = join(dir, 'netfall.yaml');
      writeFileSync(file, `data: ${data}\nlog: {nats: {servers: ["${server.url}"]}}\n${more}`);
      return file;
    }

    it.each(ROOM)('a collector ends with one line that says so: %s bytes free', async (bytes) => {
      const data = diskOf(bytes);
      const { code, stderr } = await run('collector', '--config', configure(data, 'listen: 127.0.0.1:0\n'));
      expect(code).toBe(1);
      expect(stderr.replaceAll(data, 'DATA')).toMatch(
        /^netfall: DATA cannot be used \(.*\): make room on its disk, or configure another folder as data\n$/,
      );
    });

    it('an agent says so and watches the host all the same', async () => {
      const data = diskOf(0);
      const agent = new Netfall(['agent', '--config', configure(data)]);
      try {
        const said = await agent.line(/spool\.db cannot .* reports are held in memory/);
        expect(JSON.parse(said.input).msg.replaceAll(data, 'DATA')).toBe(
          'DATA/spool.db cannot grow (database or disk is full): free space on its disk; reports are held in memory until it can',
        );
        await agent.line(/counters: kernel counters/);
        await agent.line(/no message can be stored: .*; counting goes on, and is reported once it can/);
        expect(await agent.kill('SIGTERM')).toBe(0);
      } finally {
        await agent.kill('SIGKILL');
      }
    });
  },
);
