/**
 * What a network namespace belongs to: a pod, a container, the name that `ip netns` gave it, or a unit of systemd. Found
 * by looking at the processes that are in it. It must not know why anybody asks.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { FileTree } from './tree.ts';

/** Namespaces remembered, processes looked at in one search, and how often there is one at most. */
const MOST_KNOWN = 4096;
const MOST_PROCESSES = 32_768;
const SEARCH_EVERY_US = 10_000_000;
/** What a namespace belongs to may be another one when its number is used again. */
const FORGET_AFTER_US = 300_000_000;

/** A network namespace of this host. */
export interface NetworkNamespace {
  readonly inode: number;
  /** As {@link NetworkNamespaces.name} gives it, but `host` for the host's own. */
  readonly name: string;
  /** What stands for it under the root: `proc/PID/ns/net` of a process in it, else `run/netns/NAME`. */
  readonly path: string;
}

export class NetworkNamespaces {
  readonly #root: string;
  readonly #tree: FileTree;
  readonly #nowUs: () => number;
  readonly #names = new Map<number, string>();
  /** By inode; also of those that no name is known of. */
  readonly #paths = new Map<number, string>();
  #own = -1;
  #forgotUs = Number.NEGATIVE_INFINITY;
  #searchedUs = Number.NEGATIVE_INFINITY;

  /** @param root stands in for `/`. @param nowUs any clock; it may be set back. */
  constructor(root: string, nowUs: () => number) {
    this.#root = root;
    this.#tree = new FileTree(root);
    this.#nowUs = nowUs;
  }

  /**
   * A name for a namespace, by its inode. Empty for the host's own, and for 0, which stands for one that is not known;
   * `net:[4026532177]` for one that nothing could be found out about.
   */
  name(inode: number): string {
    if (inode === 0) return '';
    const nowUs = this.#nowUs();
    if (Math.abs(nowUs - this.#forgotUs) >= FORGET_AFTER_US) {
      this.#forgotUs = nowUs;
      this.#names.clear();
      this.#readOwn();
    }
    if (inode === this.#own) return '';
    if (!this.#names.has(inode) && Math.abs(nowUs - this.#searchedUs) >= SEARCH_EVERY_US) {
      this.#searchedUs = nowUs;
      this.#search();
    }
    return this.#names.get(inode) ?? `net:[${inode}]`;
  }

  /** Every namespace that a process or `ip netns` holds. Searches anew. */
  list(): NetworkNamespace[] {
    this.#readOwn();
    this.#searchedUs = this.#nowUs();
    this.#search();
    return [...this.#paths].map(([inode, path]) => {
      return {
        inode,
        path,
        name: inode === this.#own ? 'host' : (this.#names.get(inode) ?? `net:[${inode}]`),
      };
    });
  }

  #readOwn(): void {
    this.#own = inodeIn(this.#tree.linkName('proc/1/ns/net') || this.#tree.linkName('proc/self/ns/net'));
  }

  /** Names every namespace that a process or `ip netns` holds. */
  #search(): void {
    this.#names.clear();
    this.#paths.clear();
    const given = new Map<number, string>();
    for (const name of this.#tree.names('run/netns')) {
      const path = `run/netns/${name}`;
      const inode = this.#inode(path);
      given.set(inode, path);
      if (inode !== this.#own) this.#add(inode, `netns ${name}`);
    }
    // Container runtimes give names, too, which tell less than the pod's.
    const provisional = new Set(given.keys());
    const processes = this.#tree.names('proc').filter((name) => /^\d+$/.test(name));
    for (const pid of processes.slice(0, MOST_PROCESSES)) {
      const inode = inodeIn(this.#tree.linkName(`proc/${pid}/ns/net`));
      this.#addPath(inode, `proc/${pid}/ns/net`);
      const isGiven = provisional.has(inode);
      if (inode < 0 || inode === this.#own || (this.#names.has(inode) && !isGiven)) continue;
      const owner = ownerOf(this.#tree.text(`proc/${pid}/cgroup`));
      if (owner === '' || (isGiven && !/^(pod|container) /.test(owner))) continue;
      this.#add(inode, owner);
      provisional.delete(inode);
    }
    // A process's folder comes first: what stands in it can be read without going there.
    for (const [inode, path] of given) this.#addPath(inode, path);
  }

  #add(inode: number, name: string): void {
    if (inode > 0 && this.#names.size < MOST_KNOWN) this.#names.set(inode, name);
  }

  #addPath(inode: number, path: string): void {
    if (inode > 0 && this.#paths.size < MOST_KNOWN && !this.#paths.has(inode)) this.#paths.set(inode, path);
  }

  #inode(path: string): number {
    try {
      return statSync(join(this.#root, path)).ino;
    } catch {
      return -1;
    }
  }
}

function inodeIn(link: string): number {
  const [, digits] = /^net:\[(\d+)\]$/.exec(link) ?? [];
  return digits === undefined ? -1 : Number(digits);
}

/**
 * What a process belongs to by its /proc/PID/cgroup: a pod and container as kubelet, containerd, CRI-O, Docker and Podman
 * lay out their cgroups, else a unit of systemd; empty when it is neither.
 */
export function ownerOf(cgroups: string): string {
  const paths = cgroups.split('\n').map((line) => line.slice(line.indexOf(':', line.indexOf(':') + 1) + 1));
  for (const path of paths) {
    const [, id] = /(?:^|[/-])([0-9a-f]{64})(?:\.scope)?(?:\/|$)/.exec(path) ?? [];
    const [, pod] = /(?:^|[/-])pod([0-9a-f]{8}[-_][0-9a-f-_]{27})(?:\.slice)?(?:\/|$)/.exec(path) ?? [];
    const container = id === undefined ? '' : `container ${id.slice(0, 12)}`;
    if (pod !== undefined) return `pod ${pod.replaceAll('_', '-')}${container && ` ${container}`}`;
    if (container !== '') return container;
  }
  for (const path of paths) {
    const unit = path.split('/').findLast((part) => part.endsWith('.service'));
    if (unit !== undefined) return unit;
  }
  return '';
}
