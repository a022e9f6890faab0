/**
 * The source `kmsg` beside the machine's own kernel, which really is in trouble: a process hangs in a file system that is
 * frozen, and the kernel tells of it. What a process writes into the log is no trouble.
 */
import { execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KmsgRecord, MOST_KMSG_BYTES } from '@netfall/crash';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CrashRecorder } from '../../testing/crash-recorder.ts';
import { openKmsg } from './device.ts';
import { KmsgSource } from './source.ts';

const SETTINGS = '/proc/sys/kernel';
const able =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  existsSync(join(SETTINGS, 'hung_task_timeout_secs')) &&
  existsSync('/dev/loop-control');

/** Of the messages that were read last. */
let newestSeq = -1;

const setting = (name: string) => readFileSync(join(SETTINGS, name), 'utf8').trim();
const set = (name: string, value: string) => writeFileSync(join(SETTINGS, name), value);

describe.skipIf(!able)(
  "the machine's own kernel (needs root, loop devices and CONFIG_DETECT_HUNG_TASK)",
  { timeout: 60_000 },
  () => {
    let folder: string;
    let undo: (() => void)[];

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'netfall-kmsg-'));
      undo = [() => rmSync(folder, { recursive: true })];
    });

    afterEach(() => {
      for (const step of undo.reverse()) step();
    });

    /** A process that waits for a file system to thaw, without being able to be killed. */
    function hang(): number {
      const [image, mount] = [join(folder, 'image'), join(folder, 'mount')];
      writeFileSync(image, '');
      truncateSync(image, 16 * 1024 * 1024);
      mkdirSync(mount);
      execFileSync('mkfs.ext4', ['-q', image]);
      execFileSync('mount', ['-o', 'loop', image, mount]);
      undo.push(() => execFileSync('umount', [mount]));
      execFileSync('fsfreeze', ['--freeze', mount]);
      const child = spawn('sh', ['-c', 'echo > "$0"', join(mount, 'file')]);
      const ended = () => child.exitCode !== null || child.signalCode !== null;
      undo.push(() => {
        execFileSync('fsfreeze', ['--unfreeze', mount]);
        // Its file is closed before the file system goes.
        while (!ended() && isAlive(child.pid!)) execFileSync('sleep', ['0.05']);
      });
      return child.pid!;
    }

    it('is heard when it tells of a process that hangs', async () => {
      for (const name of ['hung_task_timeout_secs', 'hung_task_warnings']) {
        const before = setting(name);
        undo.push(() => set(name, before));
      }
      // What is in the log already was told of.
      const data = join(folder, 'data');
      mkdirSync(data);
      messages();
      writeFileSync(join(data, 'kmsg.seen'), `${setting('random/boot_id')} ${newestSeq}\n`);
      const into = new CrashRecorder();
      let hurried = 0;
      const source = new KmsgSource({
        root: '/',
        maxRecordsPerHour: 1000,
        nowUs: () => Date.now() * 1000,
        urgent: () => hurried++,
        data,
      });
      expect(source.probe()).toEqual({
        state: 'ok',
        detail: "hears this kernel's own oopses, lockups and warnings",
      });
      source.start();
      undo.push(() => source.stop());
      const sinceUs = Date.now() * 1000;
      writeFileSync('/dev/kmsg', '<0>Kernel panic - not syncing: said by a process');
      const pid = hang();
      set('hung_task_warnings', '10');
      set('hung_task_timeout_secs', '1');
      // It is woken by the kernel alone.
      while (hurried === 0) await sleep(20);
      // Others may hang as well, and be told of first.
      const ours = `INFO: task sh:${pid} blocked for more than`;
      while (!messages().some((text) => text.startsWith(ours))) await sleep(20);
      for (let read = 0; read < messages().length; read += 256) source.collect(into);
      source.finish();
      source.collect(into);
      const [witness] = into.witnesses;
      expect(witness).toMatchObject({
        source: 'kmsg',
        kernel: setting('osrelease'),
        boot_id: setting('random/boot_id'),
        kind: 'hung task',
      });
      expect(witness?.line).toMatch(/^INFO: task \S+:\d+ blocked for more than \d+ seconds\.$/);
      expect(witness?.first_us).toBeGreaterThanOrEqual(sinceUs);
      expect(witness?.first_us).toBeLessThanOrEqual(Date.now() * 1000);
      const [report] = into.crashes;
      expect(report?.findings).toMatchObject({ witness, revision: 1, complete: true });
      expect(report?.log).toContain(ours);
      expect(report?.log).toContain('] Kernel panic - not syncing: said by a process\n');
    });
  },
);

/** The first lines of the kernel's messages, as far as it still has them. */
function messages(): string[] {
  const device = openKmsg('/dev/kmsg');
  const record = new KmsgRecord();
  const bytes = new Uint8Array(MOST_KMSG_BYTES);
  const texts: string[] = [];
  for (let length = device.read(bytes); length !== 0; length = device.read(bytes)) {
    if (record.read(bytes, length)) texts.push(record.firstLine(MOST_KMSG_BYTES));
    newestSeq = record.seq;
  }
  device.close();
  return texts;
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}
