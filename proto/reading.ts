/**
 * A report that a parser read off a crash's log, as entries carry it. The same for agents, which report it, and for collectors,
 * which read stored logs again. Pure.
 */
import type { Report } from '@netfall/crash';
import { LIMITS } from './check.ts';
import type { CrashReading } from './gen/types.ts';

const MOST_UINT32 = 0xffff_ffff;

/** Within the bounds of an entry: texts are cut, and frames and modules that have no room counted. */
export function readingOf(report: Report): CrashReading {
  const { frames, modules, guilty, pid, cpu } = report;
  return {
    title: cut(report.title),
    alternates: report.alternates.slice(0, LIMITS.alternates).map((title) => cut(title)),
    type: report.type,
    bug: cut(report.bug),
    corrupted: cut(report.corrupted),
    signature: report.signature,
    place: cut(report.place),
    frames: frames.slice(0, LIMITS.frames).map((frame) => ({
      function: cut(frame.function),
      offset: uint32(frame.offset),
      module: cut(frame.module, LIMITS.moduleName),
      reliable: frame.reliable,
      inline: frame.inline,
      passed: cut(frame.passed),
    })),
    unlisted_frames: Math.max(0, frames.length - LIMITS.frames),
    guilty: guilty !== null && guilty < LIMITS.frames ? guilty : null,
    process: cut(report.process),
    pid: uint32(pid),
    cpu: uint32(cpu),
    taint: cut(report.taint.flags),
    modules: modules.slice(0, LIMITS.modules).map((name) => cut(name, LIMITS.moduleName)),
    unlisted_modules: Math.max(0, modules.length - LIMITS.modules),
  };
}

/** Null for what is none: logs say anything. */
function uint32(value: number | null): number | null {
  return value !== null && Number.isInteger(value) && value >= 0 && value <= MOST_UINT32 ? value : null;
}

/** Half of a surrogate pair would be no text. */
function cut(text: string, most: number = LIMITS.string): string {
  return text.slice(0, most).toWellFormed();
}
