/**
 * Boots a kernel of Debian's in a VM and runs commands in it: with the host's programs, the project's tree and its Node,
 * as root. See docs/vm.md.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { VmError } from './error.ts';
import { type Machine, qemuCommand } from './qemu.ts';
import { makeSharedFolder, removeSharedFolder } from './shared-folder.ts';

export interface Result {
  /** As a shell says it: 128 + N after signal N. */
  readonly status: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** As in supervise.sh, where it is in blocks of 512 bytes. */
const maxOutput = 64 * 1024 * 1024;
const maxConsole = 4 * 1024 * 1024;
/** Seconds, under emulation and on a machine with other work. */
const bootTimeoutMs = 120_000;
/** How long a guest may take to kill a command before it counts as dead. */
const killTimeoutMs = 10_000;

/** Resolves when the VM takes commands. Throws a VmError. */
export async function bootVm(machine: Machine): Promise<Vm> {
  const shared = await makeSharedFolder();
  try {
    const [program, args] = await qemuCommand(machine, shared);
    const serial = [
      ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
      ...['-chardev', 'socket,id=control,fd=3', '-serial', 'chardev:control'],
    ];
    const vm = new Vm(
      spawn(program, [...args, ...serial], { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] }),
      shared,
    );
    await vm.ready;
    return vm;
  } catch (error) {
    await removeSharedFolder(shared);
    throw error;
  }
}

export class Vm implements AsyncDisposable {
  readonly #qemu: ChildProcess;
  readonly #shared: string;
  readonly #control: Duplex;
  readonly #closed: Promise<void>;
  /** By command: the guest's answers that are awaited. */
  readonly #answers = new Map<string, PromiseWithResolvers<string>>();
  readonly #console: Buffer[] = [];
  #consoleLength = 0;
  #lastId = 0;
  #dead: VmError | null = null;

  readonly ready: Promise<unknown>;

  constructor(qemu: ChildProcess, shared: string) {
    this.#qemu = qemu;
    this.#shared = shared;
    this.#control = qemu.stdio[3] as Duplex;
    for (const output of [qemu.stdout, qemu.stderr]) output?.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.#closed = new Promise((resolve) => {
      qemu.once('error', (cause) => this.#die(`QEMU did not start: ${cause.message}`));
      qemu.once('close', () => {
        this.#die('the VM died');
        resolve();
      });
    });
    this.#control.on('error', () => {}); // QEMU is gone, which "close" says.
    this.#listen();
    const late = setTimeout(() => this.#kill('the VM did not boot in time'), bootTimeoutMs);
    this.ready = this.#answer('ready').finally(() => clearTimeout(late));
  }

  /** The kernel's log so far, and QEMU's own messages: the newest 4 MiB. */
  get console(): string {
    return Buffer.concat(this.#console).toString().replaceAll('\r\n', '\n');
  }

  /**
   * Runs a script of /bin/sh in the tree's root, as root; when it ends, what it left running is killed. Several can run
   * at once. Throws a VmError: `timeout`, after which the VM is as usable as before; `output`, when it printed 64 MiB
   * to one of its outputs; `rebooted`, once a machine that reboots takes commands again; `died`, as does everything
   * after it.
   */
  async run(script: string, { timeoutMs }: { readonly timeoutMs: number }): Promise<Result> {
    if (this.#dead) throw this.#dead;
    const id = String(++this.#lastId);
    const folder = join(this.#shared, id);
    await mkdir(folder);
    await writeFile(join(folder, 'script'), script);
    let killing: NodeJS.Timeout | undefined;
    let stuck: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      // Again and again, because the command may not have reached its cgroup yet.
      killing = setInterval(() => this.#control.write(`kill ${id}\n`), 100);
      stuck = setTimeout(() => this.#kill('the VM hangs'), killTimeoutMs);
    }, timeoutMs);
    try {
      const answer = this.#answer(id);
      this.#control.write(`run ${id}\n`);
      const status = Number(await answer);
      const [stdout, stderr] = await Promise.all([output(folder, 'stdout'), output(folder, 'stderr')]);
      if (killing) {
        const tail = `${stdout.subarray(-2000)}${stderr.subarray(-2000)}`;
        throw new VmError(
          'timeout',
          `the command ran for over ${timeoutMs} ms in the VM and was killed: ${tail}`,
        );
      }
      return { status, stdout, stderr };
    } finally {
      clearTimeout(timer);
      clearInterval(killing);
      clearTimeout(stuck);
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Ends QEMU; what it wrote is gone. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#kill('the VM was ended');
    await this.#closed;
    await removeSharedFolder(this.#shared);
  }

  #listen(): void {
    let rest = '';
    this.#control.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [id = '', status = ''] = line.split(' ');
        if (id === 'ready') this.#abandon();
        this.#answers.get(id)?.resolve(status);
        this.#answers.delete(id);
      }
    });
  }

  #answer(id: string): Promise<string> {
    if (this.#dead) return Promise.reject(this.#dead);
    const answer = Promise.withResolvers<string>();
    this.#answers.set(id, answer);
    return answer.promise;
  }

  /** The guest has booted: what an earlier boot was doing has no end. */
  #abandon(): void {
    for (const [id, answer] of this.#answers) {
      if (id === 'ready') continue;
      answer.reject(new VmError('rebooted', 'the kernel died under the command; the VM has booted again'));
      this.#answers.delete(id);
    }
  }

  #keep(chunk: Buffer): void {
    this.#console.push(chunk);
    this.#consoleLength += chunk.length;
    while (this.#consoleLength > maxConsole) this.#consoleLength -= this.#console.shift()?.length ?? 0;
  }

  #kill(why: string): void {
    this.#qemu.kill('SIGKILL');
    this.#die(why);
  }

  /** The first reason stands. */
  #die(why: string): void {
    this.#dead ??= new VmError('died', `${why}; the end of its console:\n${this.console.slice(-4000)}`);
    for (const answer of this.#answers.values()) answer.reject(this.#dead);
    this.#answers.clear();
  }
}

async function output(folder: string, name: 'stdout' | 'stderr'): Promise<Buffer> {
  const path = join(folder, name);
  const { size } = await stat(path);
  if (size < maxOutput) return readFile(path);
  throw new VmError('output', `the command printed ${size} bytes to ${name}, which is all it may`);
}
