/**
 * Runs one source: probes it, starts it, collects from it, and keeps its failures from the rest of the agent. Gives every
 * source the same telemetry, so that none has to. It must not know what a source counts.
 */
import { LIMITS, SourceState, type SourceStatus } from '@netfall/proto';
import type { Logger } from 'pino';
import { type Collector, type Probe, type Source, Suspended } from './source.ts';
import { isEnabled, probeElected } from './sources/election.ts';
import type { SourceContext, SourceDefinition } from './sources/index.ts';

/** How long a source that failed, or that cannot work here, is left alone. */
const RETRY_US = 60_000_000;

export class SourceRunner {
  readonly definition: SourceDefinition;
  readonly #context: SourceContext;
  readonly #into: Collector;
  readonly #logger: Logger;
  /** Undefined while the source is off, and after it could not even be made. */
  #source: Source | undefined;
  #running = false;
  #enabled = false;
  /** Why an operator switched it off; undefined while nobody has. */
  #offBecause: string | undefined;
  /** When it was given up, µs; undefined while it runs or is off. */
  #gaveUpUs: number | undefined;
  #status: SourceStatus;
  /** What it was when it was probed last. */
  #probed: SourceStatus;

  constructor(definition: SourceDefinition, context: SourceContext, into: Collector, logger: Logger) {
    this.definition = definition;
    this.#context = context;
    this.#into = into;
    this.#logger = logger;
    this.#status = this.#statusOf(SourceState.SOURCE_STATE_OFF, 'switched off by configuration', '');
    this.#probed = this.#status;
  }

  get status(): SourceStatus {
    return this.#status;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Starts the source unless it is switched off: by configuration, or by an operator because of `offBecause`. */
  start(nowUs: number, offBecause: string | undefined): void {
    this.#enabled = isEnabled(this.definition, this.#context.config);
    if (!this.#enabled) {
      this.#logger.info(`${this.definition.name}: ${this.#status.detail}`);
    } else if (offBecause === undefined) {
      this.#attempt(nowUs);
      return;
    } else {
      this.#offBecause = offBecause;
      this.#sayOff(offBecause);
    }
    this.#letGo();
  }

  /** Stops a source that runs, or was given up, and tries it anew. Never throws. */
  restart(nowUs: number): void {
    if (!this.#enabled || this.#offBecause !== undefined) return;
    this.stop();
    this.#attempt(nowUs);
  }

  /** Collects, or tries again to start when it is time. Returns whether the source's state changed. Never throws. */
  collect(nowUs: number): boolean {
    const before = this.#status;
    if (this.#running) {
      try {
        this.#source?.collect(this.#into);
        this.#remark(this.#source?.remark?.() ?? '');
      } catch (error) {
        this.#fail(error, nowUs);
      }
    } else if (this.#gaveUpUs !== undefined && Math.abs(nowUs - this.#gaveUpUs) >= RETRY_US) {
      this.#attempt(nowUs);
    }
    return this.#status !== before;
  }

  /** Has the source hand over at the next collection what would have waited. Never throws. */
  finish(): void {
    if (!this.#running) return;
    try {
      this.#source?.finish?.();
    } catch (error) {
      this.#logger.warn(`${this.definition.name} did not finish: ${messageOf(error)}`);
    }
  }

  /** Whether `switchTo` would stop or start the source, or give another reason. */
  differs(offBecause: string | undefined): boolean {
    return this.#enabled && this.#offBecause !== offBecause;
  }

  /** Stops the source while there is a reason to, and starts it again when there is none any more. Never throws. */
  switchTo(offBecause: string | undefined, nowUs: number): void {
    if (!this.differs(offBecause)) return;
    this.#offBecause = offBecause;
    if (offBecause === undefined) {
      this.#attempt(nowUs);
      return;
    }
    this.#sayLastWords();
    this.stop();
    this.#sayOff(offBecause);
  }

  stop(): void {
    this.#running = false;
    this.#gaveUpUs = undefined;
    try {
      this.#source?.stop();
    } catch (error) {
      this.#logger.warn(`${this.definition.name} did not stop cleanly: ${messageOf(error)}`);
    }
  }

  /** What a source still holds of crashes is not to go with it. */
  #sayLastWords(): void {
    if (!this.#running || this.definition.counts !== 'crashes') return;
    this.finish();
    try {
      this.#source?.collect(this.#into);
    } catch (error) {
      this.#logger.warn(`${this.definition.name} did not say all: ${messageOf(error)}`);
    }
  }

  #attempt(nowUs: number): void {
    try {
      this.#source ??= this.definition.create(this.#context);
      const probe = probeElected(this.definition, this.#source, this.#context.counting);
      if (probe.state === 'off') this.stop();
      if (probe.state === 'unavailable' || probe.state === 'off') {
        this.#gaveUpUs = nowUs;
      } else {
        this.#source.start();
        this.#running = true;
        this.#gaveUpUs = undefined;
      }
      this.#probed = this.#statusOf(stateOf(probe), describe(probe), probe.mend ?? '');
      this.#say(this.#probed, probe.state === 'off' ? 'info' : undefined);
    } catch (error) {
      this.#fail(error, nowUs);
    }
  }

  /** For what a run that was killed left, when this one never starts the source. */
  #letGo(): void {
    try {
      this.#source ??= this.definition.create(this.#context);
    } catch (error) {
      this.#logger.warn(`${this.definition.name} cannot be made: ${messageOf(error)}`);
      return;
    }
    this.stop();
  }

  #remark(remark: string): void {
    const { state, detail, mend } = this.#probed;
    if (remark === '') this.#say(this.#probed);
    else this.#say(this.#statusOf(state, `${remark}; ${detail}`, mend), 'warn');
  }

  #fail(error: unknown, nowUs: number): void {
    this.stop();
    this.#gaveUpUs = nowUs;
    const [detail, mend] =
      error instanceof Suspended ? [error.message, error.mend] : [`failed: ${messageOf(error)}`, ''];
    this.#say(this.#statusOf(SourceState.SOURCE_STATE_UNAVAILABLE, detail, mend));
  }

  #sayOff(because: string): void {
    this.#say(this.#statusOf(SourceState.SOURCE_STATE_OFF, because, ''));
  }

  /** Takes over a status, and says it if it is news. */
  #say(status: SourceStatus, level = levelOf(status.state)): void {
    const { state, detail, mend } = this.#status;
    if (status.state === state && status.detail === detail && status.mend === mend) return;
    this.#status = status;
    this.#logger[level](`${status.name}: ${status.detail}${status.mend && `; to mend it: ${status.mend}`}`);
  }

  #statusOf(state: SourceState, detail: string, mend: string): SourceStatus {
    return {
      name: this.definition.name.slice(0, LIMITS.string),
      state,
      // What is cut must not end in half a letter.
      detail: detail.slice(0, LIMITS.string).toWellFormed(),
      mend: mend.slice(0, LIMITS.string).toWellFormed(),
    };
  }
}

function levelOf(state: SourceState): 'info' | 'warn' {
  return state === SourceState.SOURCE_STATE_OK ? 'info' : 'warn';
}

function stateOf(probe: Probe): SourceState {
  if (probe.state === 'ok') return SourceState.SOURCE_STATE_OK;
  if (probe.state === 'off') return SourceState.SOURCE_STATE_OFF;
  if (probe.state === 'degraded') return SourceState.SOURCE_STATE_DEGRADED;
  return SourceState.SOURCE_STATE_UNAVAILABLE;
}

function describe(probe: Probe): string {
  return probe.missing ? `${probe.detail}; ${probe.missing}` : probe.detail;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
