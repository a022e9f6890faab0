/** The device /dev/kmsg, a record at a time. It must not know what stands in one. */
import { closeSync, constants, openSync, readSync } from 'node:fs';

/** The kernel's log, from its oldest message on. */
export interface KmsgDevice {
  /** What can be waited for; undefined when nothing can. */
  readonly fd: number | undefined;
  /**
   * Reads the next record. Returns its bytes, 0 when there is none yet, -1 when some were overwritten before they were
   * read, whereupon the next one is the oldest there is, and -2 for one that does not fit.
   * @throws Error of fs
   */
  read(into: Uint8Array): number;
  close(): void;
}

/** @throws Error of fs: EPERM without CAP_SYSLOG where kernel.dmesg_restrict is 1 */
export function openKmsg(path: string): KmsgDevice {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return {
    fd,
    read(into) {
      try {
        return readSync(fd, into, 0, into.length, null);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        if (code === 'EAGAIN') return 0;
        if (code === 'EPIPE') return -1;
        if (code === 'EINVAL') return -2;
        throw error;
      }
    },
    close: () => closeSync(fd),
  };
}
