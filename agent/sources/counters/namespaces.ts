/**
 * Counters of the other network namespaces on this host: pods, containers, those of `ip netns`. Only what counts
 * losses or drops is reported, under the namespace's name; the rest would be a host's worth of counters for each.
 *
 * /proc/PID/net is read where a process is in the namespace and may be looked at. Else the thread goes there for the
 * moment of the reading, which needs CAP_SYS_ADMIN. Nothing of a namespace is held open between readings: that would keep
 * it alive when its pod is gone.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { isAudited } from '@netfall/catalog';
import { NetworkNamespaces } from '../../inventory/namespaces.ts';
import { KernelError } from '../../kernel/libc.ts';
import { withinNetworkNamespace } from '../../kernel/network-namespace.ts';
import type { Collector } from '../../source.ts';
import { type FileBuffer, FileReader, otherFiles } from './files.ts';
import { Growth } from './growth.ts';
import { type CounterReader, NOWHERE } from './reader.ts';

/** Namespaces read at most; those beyond are counted as `namespaces_full`. */
const MOST_NAMESPACES = 256;
/** Time between two searches for namespaces that have come or gone, microseconds. */
const SEARCH_EVERY_US = 15_000_000;

/** A network namespace that is not the agent's own. */
export interface OtherNamespace {
  readonly inode: number;
  readonly name: string;
  /** What stands for it under the root. */
  readonly path: string;
  /** Whether the files below /proc/PID/net cannot be read, so that the thread has to go there. */
  readonly entered: boolean;
}

interface Namespace extends OtherNamespace {
  readonly files: FileReader;
  entered: boolean;
}

export class NamespaceReader implements CounterReader {
  readonly #root: string;
  readonly #buffer: FileBuffer;
  readonly #nowUs: () => number;
  readonly #known: NetworkNamespaces;
  readonly #namespaces = new Map<number, Namespace>();
  #searchedUs = Number.NEGATIVE_INFINITY;
  /** Whether the thread may go to another namespace. */
  #mayEnter = true;

  /** @param root stands in for `/`. @param nowUs any clock that only goes forward. */
  constructor(root: string, buffer: FileBuffer, nowUs: () => number) {
    this.#root = root;
    this.#buffer = buffer;
    this.#nowUs = nowUs;
    this.#known = new NetworkNamespaces(root, nowUs);
  }

  read(into: Collector): void {
    if (Math.abs(this.#nowUs() - this.#searchedUs) >= SEARCH_EVERY_US) this.#search(into);
    for (const [inode, namespace] of this.#namespaces) {
      if (!this.#readOne(namespace, inNamespace(namespace.name, into))) this.#namespaces.delete(inode);
    }
  }

  /** Those that the last reading read. */
  get namespaces(): Iterable<OtherNamespace> {
    return this.#namespaces.values();
  }

  close(): void {
    this.#namespaces.clear();
  }

  #search(into: Collector): void {
    this.#searchedUs = this.#nowUs();
    const own = ownInode(this.#root);
    const found = this.#known.list().filter(({ inode }) => inode !== own);
    const inodes = new Set(found.map(({ inode }) => inode));
    for (const inode of this.#namespaces.keys()) if (!inodes.has(inode)) this.#namespaces.delete(inode);
    for (const { inode, name, path } of found) {
      const known = this.#namespaces.get(inode);
      if (known?.name === name && known.path === path) continue;
      if (!known && this.#namespaces.size >= MOST_NAMESPACES) {
        into.loss('namespaces_full', 1);
        continue;
      }
      const growth = new Growth(isAudited);
      const files = known?.files ?? new FileReader(growth, otherFiles(growth), this.#buffer);
      this.#namespaces.set(inode, { inode, name, path, files, entered: path.startsWith('run/') });
    }
  }

  /** Returns false when the namespace is gone, or cannot be read. */
  #readOne(namespace: Namespace, into: Collector): boolean {
    if (!namespace.entered) {
      const folder = join(this.#root, namespace.path, '../../net');
      if (namespace.files.read(folder, into) > 0) return true;
      namespace.entered = true;
    }
    return this.#mayEnter && this.#readThere(namespace, into);
  }

  #readThere({ files, path }: Namespace, into: Collector): boolean {
    try {
      return withinNetworkNamespace(
        join(this.#root, path),
        () => files.read('/proc/thread-self/net', into) > 0,
      );
    } catch (error) {
      // Else it has just gone, or is a file that stands for none: what `ip netns` left of another boot.
      if (error instanceof KernelError && error.code === 'EPERM') this.#mayEnter = false;
      return false;
    }
  }
}

function ownInode(root: string): number {
  try {
    return statSync(join(root, 'proc/self/ns/net')).ino;
  } catch {
    return -1;
  }
}

/** Passes on counters as of a namespace. */
function inNamespace(namespace: string, into: Collector): Collector {
  return {
    ...NOWHERE,
    counter: (name, iface, delta) => into.counter(name, iface, delta, namespace),
    loss: (hop, count) => into.loss(hop, count),
  };
}
