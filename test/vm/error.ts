/** What goes wrong with a VM. */

/**
 * `unavailable`: this machine cannot have one · `died`: the guest is gone, with the end of its console · `rebooted`: the
 * kernel died, and the guest takes commands again · `timeout`: the command was killed after its time · `output`: it
 * printed more than is kept.
 */
export class VmError extends Error {
  readonly code: 'unavailable' | 'died' | 'rebooted' | 'timeout' | 'output';

  constructor(code: VmError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'VmError';
    this.code = code;
  }
}
