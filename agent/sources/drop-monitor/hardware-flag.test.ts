import { describe, expect, it } from 'vitest';
import { giveBack, HardwareFlag } from './hardware-flag.ts';
import { Monitor } from './monitor.ts';
import { FakeFile, FakeMonitor, FRESH } from './testing/fake-monitor.ts';

function setup(devlink = true) {
  const kernel = new FakeMonitor(devlink);
  const file = new FakeFile();
  return { kernel, file, flag: new HardwareFlag(kernel, file) };
}

describe('HardwareFlag', () => {
  it('switches hardware on and off, and leaves the rest alone', () => {
    const { kernel, file, flag } = setup();
    const found = { ...FRESH, mode: 'packet', queueLength: 5, software: true } as const;
    kernel.state = found;
    flag.start();
    expect(kernel.state).toEqual({ ...found, hardware: true });
    expect(flag.check()).toEqual([]);
    flag.stop();
    expect(kernel.state).toEqual(found);
    expect(file.record).toBeUndefined();
  });

  it('leaves on what was on', () => {
    const { kernel, flag } = setup();
    kernel.state = { ...FRESH, hardware: true };
    flag.start();
    flag.stop();
    expect(kernel.state).toEqual({ ...FRESH, hardware: true });
  });

  it('switches it on again', () => {
    const { kernel, flag } = setup();
    flag.start();
    kernel.stop('hardware');
    expect(flag.check()).toEqual([{ what: 'hardware', wanted: true, now: false }]);
    expect(kernel.state.hardware).toBe(true);
    flag.stop();
    expect(kernel.state).toEqual(FRESH);
  });

  it('is given back after a kill, by whoever comes next', () => {
    for (const software of [false, true]) {
      const { kernel, file, flag } = setup();
      const found = { ...FRESH, software };
      kernel.state = found;
      flag.start();
      giveBack(kernel, file);
      expect(kernel.state).toEqual(found);
      expect(file.record).toBeUndefined();
    }
  });

  it('gives back what a run had left that counted everything', () => {
    const { kernel, file, flag } = setup();
    const config = { mode: 'packet', truncationBytes: 1, queueLength: 2 } as const;
    new Monitor({ control: kernel, file, config, hardware: true }).start();
    flag.start();
    expect(kernel.state).toEqual({ ...FRESH, hardware: true });
    flag.stop();
    expect(kernel.state).toEqual(FRESH);
  });

  it('says that the kernel has none, and leaves nothing behind', () => {
    const { kernel, file, flag } = setup(false);
    expect(() => flag.start()).toThrow(expect.objectContaining({ code: 'ENOTSUP' }));
    flag.stop();
    expect([kernel.state, file.record]).toEqual([FRESH, undefined]);
  });
});
