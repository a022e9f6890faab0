/**
 * What devices tell of themselves through devlink.
 *
 * Layout: include/uapi/linux/devlink.h.
 */

import { listFamilies } from './generic.ts';
import { NetlinkProtocol } from './socket.ts';
import { MessageFlag, NetlinkRequester } from './transaction.ts';
import { MessageWriter } from './writer.ts';

const FAMILY = 'devlink';
const DEVLINK_GENL_VERSION = 1;
const DEVLINK_CMD_TRAP_GET = 61;

/** Whether some device can hand on packets that its hardware drops. Needs no rights. @throws KernelError */
export function someDeviceHasTraps(): boolean {
  using requester = new NetlinkRequester(NetlinkProtocol.generic);
  const id = listFamilies(requester).get(FAMILY);
  if (id === undefined) return false;
  let traps = 0;
  const writer = new MessageWriter();
  writer.beginGeneric(id, DEVLINK_GENL_VERSION, DEVLINK_CMD_TRAP_GET, MessageFlag.dump);
  requester.request('devlink traps', writer.finish(), () => traps++);
  return traps > 0;
}
