/** Where a replica stands, as the API and the metrics show it. Plain data: who fills it in is the replica's business. */

export interface ReplicaStatus {
  /** The replica's name and the cell that it folds. */
  readonly replica: string;
  readonly cell: string;
  /** Whether it has caught up with the log; `why` says in a sentence what it waits for otherwise. */
  readonly ready: boolean;
  readonly why: string;
  /** The last entry that is folded and committed, and the last one that the log is known to hold. */
  readonly sequence: number;
  readonly lastSequence: number;
  /** Log time, microseconds since the Unix epoch. */
  readonly logTimeUs: number;
  /** How far log time is behind the wall clock. */
  readonly lagMs: number;
  /** Entries folded since the log began, and those that were refused, by why. */
  readonly entries: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly epoch: {
    readonly fold_version: number;
    readonly config_digest: string;
    readonly catalog_digest: string;
  };
  /** Whether the epoch under way has another configuration than this collector: another one was given it. */
  readonly configDiffers: boolean;
  /** Whether this replica delivers notifications, and who does by the log: the name of a replica and of its run. */
  readonly leader: boolean;
  readonly claimHolder: string;
  /** Transactions committed since the start. */
  readonly commits: number;
}
