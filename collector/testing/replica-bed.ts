/** Replicas over a real embedded log and with real fold threads, in a time that passes faster than the machine's. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Log, openEmbeddedLog, type Stored } from '@netfall/log';
import { decodeEntry, type Entry } from '@netfall/proto';
import { expect, vi } from 'vitest';
import { canonicalJson, INITIAL_CONFIG } from '../fold/config.ts';
import { CELL, Story } from '../fold/testing/story.ts';
import { startFoldThread } from '../fold-thread.ts';
import { Folder, type FolderStatus } from '../folder.ts';
import { Replica, type ReplicaConfig, type ReplicaOptions } from '../replica.ts';
import { resume } from '../resume.ts';
import { currentRules } from '../rules.ts';
import { rowsDigest } from '../store/digest.ts';
import { Store } from '../store/store.ts';
import { FastClock } from './fast-clock.ts';

/** Leases and pauses of seconds pass in fractions of one. */
const SPEED = 8;
/** How often a fold thread tries again to commit. */
const RETRY_MS = 500;

export const rules = currentRules(CELL);
export const quiet: ReplicaConfig = {
  cell: CELL,
  fold: INITIAL_CONFIG,
  snapshot_every_s: 86_400,
  retain_s: 86_400,
};

export interface Running {
  readonly replica: Replica;
  readonly path: string;
  readonly said: string[];
  readonly commits: FolderStatus[];
  readonly failures: Error[];
  /** Why the fold could not commit, each time that it tried. */
  readonly stalls: string[];
}

/** A log, and replicas that run on it until the bed is closed. */
export class ReplicaBed {
  readonly clock = new FastClock(SPEED);
  readonly log: Log = openEmbeddedLog({ dir: ':memory:', clock: this.clock });
  readonly dir = mkdtempSync(join(tmpdir(), 'netfall-replica-'));
  #running: Running[] = [];
  #files = 0;

  async close(): Promise<void> {
    await this.stopAll();
    await this.log.close();
    rmSync(this.dir, { recursive: true });
  }

  newPath(): string {
    return join(this.dir, `${++this.#files}.db`);
  }

  async start(name: string, changed: Partial<ReplicaOptions> = {}): Promise<Running> {
    const path = changed.path ?? this.newPath();
    const log = changed.log ?? this.log;
    const said: string[] = [];
    const commits: FolderStatus[] = [];
    const failures: Error[] = [];
    const stalls: string[] = [];
    const { identity } = await log.info();
    const replica = new Replica({
      replica: name,
      config: quiet,
      rules,
      path,
      log,
      clock: this.clock,
      say: { info: (message) => said.push(message), warn: (message) => said.push(`warn: ${message}`) },
      startFolding: (events) => {
        const stalled = (why: string) => {
          stalls.push(why);
          events.stalled(why);
        };
        return startFoldThread({ path, identity, cell: CELL, retryMs: RETRY_MS }, { ...events, stalled });
      },
      onCommit: (status) => commits.push(status),
      onFailure: (error) => failures.push(error),
      random: () => 0.5,
      ...changed,
    });
    const started = { replica, path, said, commits, failures, stalls };
    await replica.start();
    this.#running.push(started);
    return started;
  }

  async stop(one: Running): Promise<void> {
    this.#running = this.#running.filter((other) => other !== one);
    await one.replica.stop();
  }

  async stopAll(): Promise<void> {
    for (const { replica } of this.#running) await replica.stop();
    this.#running = [];
  }

  /** Makes a database from which a replica can go on at once. */
  resumeAt(path: string): Promise<void> {
    return resume({
      path,
      log: this.log,
      rules,
      migrate: () => null,
      say: { info: () => {}, warn: () => {} },
      takeOver: () => Promise.resolve(0),
      awaitPeer: () => Promise.resolve(),
    });
  }

  async *stored(): AsyncGenerator<Stored> {
    const { first, last } = await this.log.info();
    for (let sequence = first; sequence <= last; sequence++) {
      const entry = await this.log.get(sequence);
      if (entry) yield entry;
    }
  }

  /** The log's entries of one kind. */
  async entriesOf<K extends keyof Entry>(kind: K): Promise<NonNullable<Entry[K]>[]> {
    const found: NonNullable<Entry[K]>[] = [];
    for await (const { data } of this.stored()) {
      const entry = decodeEntry(data)[kind];
      if (entry) found.push(entry as NonNullable<Entry[K]>);
    }
    return found;
  }

  /** Hosts that report, from a story; only the log stamps them. Returns the last entry's sequence. */
  async report(messages: number, from = 0): Promise<number> {
    const story = new Story();
    for (let i = 0; i < from + messages; i++) story.report(i, `h${i % 5}`, { drops: { 'NO_SOCKET/f': 1 } });
    let last = 0;
    for (const { subject, data, sequence } of story.entries.slice(from)) {
      ({ sequence: last } = await this.log.append({ subject, data, id: `story/${sequence}` }));
    }
    return last;
  }

  /** What a single fold makes of the whole log, or of the log after a database's checkpoint, up to an entry. */
  async foldedAlone(upTo: number, path = this.newPath()): Promise<string> {
    const { identity } = await this.log.info();
    const folder = new Folder(path, identity, rules);
    for await (const entry of this.stored()) {
      if (entry.sequence > folder.sequence && entry.sequence <= upTo) folder.apply([entry]);
    }
    folder.commit(() => 0);
    folder.close();
    return digestOf(path).digest;
  }
}

export function digestOf(path: string): { sequence: number; digest: string } {
  const store = new Store(path);
  const loaded = store.load();
  store.close();
  return { sequence: loaded?.checkpoint.sequence ?? 0, digest: loaded ? rowsDigest(loaded.rows) : '' };
}

export const until = (condition: () => unknown): Promise<void> =>
  vi.waitFor(() => expect(condition()).toBeTruthy(), { timeout: 25_000, interval: 20 });

export const ready = (one: Running): Promise<void> => until(() => one.replica.status().ready);

/** A run of a replica, as claims name it. */
export const runOf = (replica: string) => expect.stringMatching(new RegExp(`^${replica}-[0-9a-f]{12}$`));

/** The epoch that a replica of this configuration begins. */
export const wantedEpoch = (fold = INITIAL_CONFIG) => {
  const config = canonicalJson(fold);
  const config_digest = createHash('sha256').update(config).digest('hex');
  return { fold_version: rules.version, config_digest, catalog_digest: rules.catalogDigest, config };
};

/** A log whose methods can be replaced one by one. */
export function facade(of: Log): Log {
  return {
    append: (message) => of.append(message),
    read: (options) => of.read(options),
    get: (sequence) => of.get(sequence),
    lastOn: (subject) => of.lastOn(subject),
    watchLast: (subject, signal) => of.watchLast(subject, signal),
    info: () => of.info(),
    purge: (sequence) => of.purge(sequence),
    blobs: of.blobs,
    evidence: of.evidence,
    close: () => of.close(),
  };
}
