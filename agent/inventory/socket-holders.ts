/**
 * Which process holds a socket, by the socket's inode: found by looking at the open files of processes, which is dear, so
 * that what is found is kept. It must not know why anybody asks.
 */
import { opendirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ownerOf } from './namespaces.ts';
import { FileTree } from './tree.ts';

export interface Holder {
  readonly pid: number;
  /** The process's name. */
  readonly process: string;
  /** What it belongs to, as {@link ownerOf} gives it. */
  readonly owner: string;
}

/** What is not known. */
export const NO_HOLDER: Holder = { pid: 0, process: '', owner: '' };

/** Bounds of a search. Sockets that are bound or listen are among a process's first files. */
const MOST_PROCESSES = 8192;
const MOST_FILES = 16_384;
const MOST_FILES_OF_A_PROCESS = 1024;
/** Holders remembered. */
const MOST_KNOWN = 4096;
/** Searches take at most this part of the time. */
const SHARE = 1 / 200;
/** After this a socket that no process was found for is searched for again. */
const SEARCH_AGAIN_US = 60_000_000;

interface Known {
  readonly holder: Holder;
  /** The holder's link to the socket; empty when there is none. */
  readonly link: string;
  readonly searchedUs: number;
}

export class SocketHolders {
  readonly #root: string;
  readonly #tree: FileTree;
  readonly #nowUs: () => number;
  readonly #known = new Map<number, Known>();
  #searchedUs = Number.NEGATIVE_INFINITY;
  #pauseUs = 0;

  /** @param root stands in for `/`. @param nowUs any clock. */
  constructor(root: string, nowUs: () => number) {
    this.#root = root;
    this.#tree = new FileTree(root);
    this.#nowUs = nowUs;
  }

  /**
   * The process that holds each of these sockets, the first of several: one search at most, for those that are not known.
   * @returns whether all processes were looked at that had to be.
   */
  find(inodes: Iterable<number>): boolean {
    const nowUs = this.#nowUs();
    const wanted = new Set<number>();
    for (const inode of inodes) if (!this.#isKnown(inode, nowUs)) wanted.add(inode);
    if (wanted.size === 0 || Math.abs(nowUs - this.#searchedUs) < this.#pauseUs) return true;
    if (this.#known.size + wanted.size > MOST_KNOWN) this.#known.clear();
    const whole = this.#search(wanted);
    this.#searchedUs = this.#nowUs();
    this.#pauseUs = (this.#searchedUs - nowUs) / SHARE;
    for (const inode of wanted) {
      this.#known.set(inode, { holder: NO_HOLDER, link: '', searchedUs: this.#searchedUs });
    }
    return whole;
  }

  /** What the last {@link find} found. */
  of(inode: number): Holder {
    return this.#known.get(inode)?.holder ?? NO_HOLDER;
  }

  #isKnown(inode: number, nowUs: number): boolean {
    const known = this.#known.get(inode);
    if (!known) return false;
    const holds =
      known.link === ''
        ? Math.abs(nowUs - known.searchedUs) < SEARCH_AGAIN_US
        : this.#socketAt(known.link) === inode;
    if (!holds) this.#known.delete(inode);
    return holds;
  }

  /** Takes what it finds out of `wanted`. Returns false when it came to a bound. */
  #search(wanted: Set<number>): boolean {
    const processes = this.#tree.names('proc').filter((name) => /^\d+$/.test(name));
    // Init holds sockets for the services that it starts, and is not who reads them.
    processes.sort((a, b) => Number(a === '1') - Number(b === '1') || Number(a) - Number(b));
    let files = MOST_FILES;
    let whole = processes.length <= MOST_PROCESSES;
    for (const pid of processes.slice(0, MOST_PROCESSES)) {
      const most = Math.min(files, MOST_FILES_OF_A_PROCESS);
      const read = this.#searchProcess(pid, most, wanted);
      files -= read;
      if (wanted.size === 0) return true;
      if (read === most) whole = false;
      if (files === 0) return false;
    }
    return whole;
  }

  /** Returns how many open files were looked at. */
  #searchProcess(pid: string, most: number, wanted: Set<number>): number {
    let read = 0;
    try {
      using folder = opendirSync(join(this.#root, 'proc', pid, 'fd'), { bufferSize: 128 });
      for (let file = folder.readSync(); file && read < most; file = folder.readSync()) {
        read++;
        const link = `proc/${pid}/fd/${file.name}`;
        const inode = this.#socketAt(link);
        if (!wanted.delete(inode)) continue;
        const holder = {
          pid: Number(pid),
          process: this.#tree.line(`proc/${pid}/comm`),
          owner: ownerOf(this.#tree.text(`proc/${pid}/cgroup`)),
        };
        this.#known.set(inode, { holder, link, searchedUs: 0 });
        if (wanted.size === 0) break;
      }
    } catch {
      // The process has ended, or may not be looked at.
    }
    return read;
  }

  /** The inode of the socket that a link is to; -1 when it is to none. */
  #socketAt(link: string): number {
    try {
      const target = readlinkSync(join(this.#root, link));
      return target.startsWith('socket:[') ? Number(target.slice(8, -1)) : -1;
    } catch {
      return -1;
    }
  }
}
