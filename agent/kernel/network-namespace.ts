/** Goes to another network namespace and back. It must not know what is done there. */
import { closeSync, openSync } from 'node:fs';
import { enterNetworkNamespace } from './libc.ts';

/**
 * Calls `run` with this thread in the network namespace that a file stands for (/proc/PID/ns/net, /run/netns/NAME). What
 * `run` reads is below /proc/thread-self/net; sockets that it opens stay there. Needs CAP_SYS_ADMIN.
 * @throws Error when there is no such file; KernelError: EPERM without the privilege; what `run` throws.
 */
export function withinNetworkNamespace<T>(path: string, run: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r');
  try {
    const there = openSync(path, 'r');
    try {
      enterNetworkNamespace(there, path);
    } finally {
      closeSync(there);
    }
    try {
      return run();
    } finally {
      goHome(home);
    }
  } finally {
    closeSync(home);
  }
}

/** Without a way back the process would report another network as its own: it ends at once. */
function goHome(home: number): void {
  try {
    enterNetworkNamespace(home, 'where it came from');
  } catch {
    process.abort();
  }
}
