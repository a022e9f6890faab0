/** What `netfall crash parse --json` prints of a file. Pure. */
import type { Report } from '@netfall/crash';

/** The report as JSON, by the names that all of Netfall's JSON has. */
export function crashDocument(file: string, report: Report | null): object {
  if (!report) return { file, crash: false };
  const { title, alternates, type, signature, corrupted, kernel, taint, frames, uptimeUs, ...rest } = report;
  return {
    ...{ file, crash: true, title, alternates, type, signature },
    // Why, or that it is not.
    corrupted: corrupted === '' ? false : corrupted,
    ...{ kernel, taint, frames, uptime_us: uptimeUs },
    ...rest,
  };
}
