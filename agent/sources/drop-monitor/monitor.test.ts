import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KernelError } from '../../kernel/libc.ts';
import type { Drops, MonitorControl } from './control.ts';
import { Monitor } from './monitor.ts';
import { type MonitorState, type RecordFile, sameConfig } from './record.ts';
import type { MonitorConfig } from './requests.ts';
import { FakeFile, FakeMonitor, FRESH, Killed, Lifetime } from './testing/fake-monitor.ts';

const CONFIG = { mode: 'packet', truncationBytes: 128, queueLength: 4000 } as const;
const OURS: MonitorState = { ...CONFIG, software: true, hardware: true };

function setup(devlink = true, hardware = true) {
  const kernel = new FakeMonitor(devlink);
  const file = new FakeFile();
  const monitor = () => new Monitor({ control: kernel, file, config: CONFIG, hardware });
  return { kernel, file, monitor };
}

describe('Monitor', () => {
  it('takes the monitor and gives it back', () => {
    const { kernel, file, monitor } = setup();
    const taken = monitor();
    expect(taken.start()).toMatchObject({ software: true, hardware: true });
    expect(kernel.state).toEqual(OURS);
    expect(taken.check()).toEqual([]);
    taken.stop();
    expect(kernel.state).toEqual(FRESH);
    expect(file.record).toBeUndefined();
    taken.stop();
    expect(kernel.state).toEqual(FRESH);
  });

  it('does without hardware where the kernel has none', () => {
    const { kernel, monitor } = setup(false);
    const taken = monitor();
    expect(taken.start()).toMatchObject({ software: true, hardware: false });
    expect(kernel.state).toEqual({ ...OURS, hardware: false });
    expect(taken.check()).toEqual([]);
    taken.stop();
    expect(kernel.state).toEqual(FRESH);
  });

  it.each([
    ['software', { software: true }],
    ['hardware', { hardware: true }],
    ['both', { software: true, hardware: true }],
  ])('gives back a monitor that somebody else had running: %s', (_, running) => {
    const { kernel, monitor } = setup();
    const theirs: MonitorState = { ...FRESH, queueLength: 77, ...running };
    kernel.state = theirs;
    const taken = monitor();
    taken.start();
    expect(kernel.state).toEqual(OURS);
    taken.stop();
    expect(kernel.state).toEqual(theirs);
  });

  it('interrupts nobody whose monitor is as it is wanted', () => {
    const { kernel, monitor } = setup();
    kernel.state = OURS;
    let stops = 0;
    kernel.stop = () => stops++;
    const taken = monitor();
    taken.start();
    taken.check();
    taken.stop();
    expect([kernel.state, stops]).toEqual([OURS, 0]);
  });

  it('says what others changed, makes it good and lets them have it in the end', () => {
    const { kernel, monitor } = setup();
    const taken = monitor();
    taken.start();

    kernel.stop('software');
    expect(taken.check()).toEqual([{ what: 'software', wanted: true, now: false }]);
    expect(kernel.state).toEqual(OURS);
    expect(taken.check()).toEqual([]);

    kernel.stop('software');
    kernel.stop('hardware');
    kernel.configure({ mode: 'summary', queueLength: 5 });
    kernel.start('software');
    expect(taken.check()).toEqual([
      { what: 'mode', wanted: 'packet', now: 'summary' },
      { what: 'queueLength', wanted: 4000, now: 5 },
      { what: 'hardware', wanted: true, now: false },
    ]);
    expect(kernel.state).toEqual(OURS);

    taken.stop();
    expect(kernel.state).toEqual({ ...FRESH, queueLength: 5 });
  });

  it('takes it back from whoever starts it again and again', () => {
    const { kernel, monitor } = setup();
    const configure = kernel.configure.bind(kernel);
    let races = 2;
    kernel.configure = (config) => {
      if (config.mode !== undefined && races-- > 0) kernel.start('software');
      configure(config);
    };
    monitor().start();
    expect(kernel.state).toEqual(OURS);

    races = Number.POSITIVE_INFINITY;
    kernel.state = FRESH;
    expect(() => monitor().start()).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  });

  it('touches nothing when it may not, and nothing that it has not taken', () => {
    const { kernel, file, monitor } = setup();
    kernel.configure = () => {
      throw new Error('EPERM');
    };
    const refused = monitor();
    expect(() => refused.start()).toThrow('EPERM');
    refused.stop();
    expect(refused.check()).toEqual([]);
    expect([kernel.state, file.record]).toEqual([FRESH, undefined]);
  });

  it('gives back what a run that was killed had taken, with or without starting again', () => {
    for (const again of [true, false]) {
      const { kernel, file, monitor } = setup();
      const theirs: MonitorState = { ...FRESH, truncationBytes: 9, software: true };
      kernel.state = theirs;
      monitor().start();
      const next = monitor();
      if (again) next.start();
      next.stop();
      expect(kernel.state).toEqual(theirs);
      expect(file.record).toBeUndefined();
    }
  });

  it('looks with few calls', () => {
    const { kernel, file } = setup();
    const life = new Lifetime();
    const control = life.limit(kernel);
    const taken = new Monitor({ control, file, config: CONFIG, hardware: true });
    taken.start();
    life.calls = 0;
    taken.check();
    expect(life.calls).toBe(4);
  });
});

type Key = keyof MonitorState;
const KEYS: readonly Key[] = ['mode', 'truncationBytes', 'queueLength', 'software', 'hardware'];

type Step =
  | { readonly by: 'others'; readonly change: Partial<MonitorConfig> }
  | { readonly by: 'others'; readonly drops: Drops; readonly on: boolean }
  | { readonly by: 'us'; readonly call: 'start' | 'check' | 'stop'; readonly killedAfter: number };

const length = fc.constantFrom(0, 128, 1000, 4000);
const mode = fc.constantFrom<MonitorConfig['mode'][]>('summary', 'packet');
const change = fc.record({ mode, truncationBytes: length, queueLength: length }, { requiredKeys: [] });
const others: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ by: fc.constant('others' as const), change }),
  fc.record({
    by: fc.constant('others' as const),
    drops: fc.constantFrom<Drops[]>('software', 'hardware'),
    on: fc.boolean(),
  }),
);
const us: fc.Arbitrary<Step> = fc.record({
  by: fc.constant('us' as const),
  call: fc.constantFrom<('start' | 'check' | 'stop')[]>('start', 'check', 'check', 'stop'),
  killedAfter: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(25)),
});
const steps = fc.array(fc.oneof(others, us), { maxLength: 30 });

/** The machine, and what is right for the monitor in the end, followed from outside. */
class World {
  readonly kernel: FakeMonitor;
  readonly file = new FakeFile();
  readonly #hardware: boolean;
  #monitor: Monitor | undefined;
  #life = new Lifetime();
  /** For each setting; several values where nobody can tell, since somebody changed it around a kill. */
  #right = new Map<Key, Set<unknown>>();
  /** How the monitor was when we had last looked. */
  #seen: MonitorState = FRESH;
  #killed = false;

  constructor(devlink: boolean, hardware: boolean) {
    this.kernel = new FakeMonitor(devlink);
    this.#hardware = hardware;
  }

  run(step: Step): void {
    if (step.by === 'us') this.#run(step.call, step.killedAfter);
    else if ('change' in step) quietly(() => this.kernel.configure(step.change));
    else if (step.on) quietly(() => this.kernel.start(step.drops));
    else this.kernel.stop(step.drops);
  }

  /** The monitor is given back, if need be by another process. */
  end(): void {
    this.#run('stop', Number.POSITIVE_INFINITY);
  }

  #run(call: 'start' | 'check' | 'stop', killedAfter: number): void {
    if (call === 'check' && this.#monitor === undefined) return;
    if (call !== 'start' && this.file.record === undefined) return;
    const before = this.kernel.state;
    const looked = this.#looksAt(call);
    const changed = looked.filter((key) => before[key] !== this.#seen[key]);
    if (this.file.record === undefined) for (const key of KEYS) this.#right.set(key, new Set([before[key]]));

    this.#life.remaining = killedAfter;
    this.#life.calls = 0;
    let killed = false;
    try {
      this.#monitor ??= this.#process();
      this.#monitor[call]();
      this.#life.remaining = Number.POSITIVE_INFINITY;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      killed = true;
      this.#monitor = undefined;
    }
    expect(this.#life.calls).toBeLessThanOrEqual(25);

    for (const key of changed) {
      if (killed || this.#killed) this.#right.get(key)?.add(before[key]);
      else this.#right.set(key, new Set([before[key]]));
    }
    const now = this.kernel.state;
    if (killed) this.#afterKill(looked, before, now);
    else this.#afterCall(call, now);
  }

  /** What a call looks at: not at hardware's drops, when all else is in order and they are not ours. */
  #looksAt(call: string): readonly Key[] {
    const { record } = this.file;
    if (record === undefined) return [];
    const whole = call !== 'check' || !sameConfig(this.kernel.state, record.left) || record.left.hardware;
    return whole ? KEYS : KEYS.filter((key) => key !== 'hardware');
  }

  #afterKill(looked: readonly Key[], before: MonitorState, now: MonitorState): void {
    const { hardware } = looked.includes('hardware') ? now : this.#seen;
    this.#seen = { ...now, hardware };
    this.#killed = this.file.record !== undefined;
    if (this.file.record !== undefined) return;
    // Nothing was written down, so nothing was changed, but that looking may have left something on.
    expect(sameConfig(now, before)).toBe(true);
    if (!before.software && !before.hardware) expect(now).toEqual(before);
    expect([now.software || !before.software, now.hardware || !before.hardware]).toEqual([true, true]);
  }

  #afterCall(call: 'start' | 'check' | 'stop', now: MonitorState): void {
    this.#killed = false;
    if (call === 'stop') {
      expect(this.file.record).toBeUndefined();
      for (const key of KEYS) expect([...this.#right.get(key)!], key).toContain(now[key]);
      return;
    }
    const hardware = this.#hardware && this.kernel.devlink;
    // Where hardware's drops are not wanted, others may have them.
    expect(now).toEqual({ ...OURS, hardware: hardware || (call === 'check' && now.hardware) });
    this.#seen = { ...now, hardware };
  }

  /** A new process, which will be killed after some calls. */
  #process(): Monitor {
    const life = this.#life;
    const control = life.limit<MonitorControl>(this.kernel);
    const file = life.limit<RecordFile>(this.file);
    return new Monitor({ control, file, config: CONFIG, hardware: this.#hardware });
  }
}

function quietly(command: () => void): void {
  try {
    command();
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
  }
}

it('leaves the monitor as it found it, whatever others do and whenever it is killed', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.boolean(), steps, (devlink, hardware, list) => {
      const world = new World(devlink, hardware);
      for (const step of list) world.run(step);
      world.end();
    }),
    { numRuns: 2000 },
  );
});
