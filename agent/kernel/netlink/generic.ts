/**
 * Families of generic netlink: the numbers that this kernel has given to a name.
 *
 * Layout: the controller in include/uapi/linux/genetlink.h.
 */

import { AttributeCursor, GENERIC_HEADER_BYTES } from './message.ts';
import { MessageFlag, type NetlinkRequester } from './transaction.ts';
import { MessageWriter } from './writer.ts';

const GENL_ID_CTRL = 16;
const CTRL_VERSION = 2;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;
const CTRL_ATTR_VERSION = 3;
const CTRL_ATTR_OPS = 6;
const CTRL_ATTR_MCAST_GROUPS = 7;
const CTRL_ATTR_OP_ID = 1;
const CTRL_ATTR_OP_FLAGS = 2;
const CTRL_ATTR_MCAST_GRP_NAME = 1;
const CTRL_ATTR_MCAST_GRP_ID = 2;

type Requester = Pick<NetlinkRequester, 'slab' | 'request'>;

export interface GenericFamily {
  /** The type of its messages. */
  readonly id: number;
  readonly version: number;
  /** Multicast groups, their number by name. */
  readonly groups: ReadonlyMap<string, number>;
  /** Flags by command, e.g. 1 for `GENL_ADMIN_PERM`. */
  readonly operations: ReadonlyMap<number, number>;
}

/**
 * Asks for a family. The kernel loads the module that has it, if there is one, whoever asks.
 * @throws KernelError: ENOENT when this kernel has no such family.
 */
export function resolveFamily(requester: Requester, name: string): GenericFamily {
  const groups = new Map<string, number>();
  const operations = new Map<number, number>();
  let id = 0;
  let version = 0;
  const attribute = new AttributeCursor(requester.slab);
  const writer = new MessageWriter();
  writer.beginGeneric(GENL_ID_CTRL, CTRL_VERSION, CTRL_CMD_GETFAMILY);
  writer.string(CTRL_ATTR_FAMILY_NAME, name);
  requester.request(`generic netlink family ${name}`, writer.finish(), ({ start, end }) => {
    attribute.reset(start + GENERIC_HEADER_BYTES, end);
    while (attribute.next()) {
      if (attribute.type === CTRL_ATTR_FAMILY_ID) id = attribute.u16();
      else if (attribute.type === CTRL_ATTR_VERSION) version = attribute.u32();
      else if (attribute.type === CTRL_ATTR_MCAST_GROUPS) {
        forEachItem(requester.slab, attribute, (item) => {
          let group = '';
          let number = 0;
          while (item.next()) {
            if (item.type === CTRL_ATTR_MCAST_GRP_NAME) group = item.string();
            else if (item.type === CTRL_ATTR_MCAST_GRP_ID) number = item.u32();
          }
          groups.set(group, number);
        });
      } else if (attribute.type === CTRL_ATTR_OPS) {
        forEachItem(requester.slab, attribute, (item) => {
          let command = 0;
          let flags = 0;
          while (item.next()) {
            if (item.type === CTRL_ATTR_OP_ID) command = item.u32();
            else if (item.type === CTRL_ATTR_OP_FLAGS) flags = item.u32();
          }
          operations.set(command, flags);
        });
      }
    }
  });
  return { id, version, groups, operations };
}

/** The families that are loaded, their numbers by name; asking loads none. @throws KernelError */
export function listFamilies(requester: Requester): Map<string, number> {
  const families = new Map<string, number>();
  const attribute = new AttributeCursor(requester.slab);
  const writer = new MessageWriter();
  writer.beginGeneric(GENL_ID_CTRL, CTRL_VERSION, CTRL_CMD_GETFAMILY, MessageFlag.dump);
  requester.request('generic netlink families', writer.finish(), ({ start, end }) => {
    let name = '';
    let id = 0;
    attribute.reset(start + GENERIC_HEADER_BYTES, end);
    while (attribute.next()) {
      if (attribute.type === CTRL_ATTR_FAMILY_NAME) name = attribute.string();
      else if (attribute.type === CTRL_ATTR_FAMILY_ID) id = attribute.u16();
    }
    families.set(name, id);
  });
  return families;
}

/** Walks over a list: a nest of nests, whose types are their places in it. */
function forEachItem(slab: Uint8Array, list: AttributeCursor, visit: (item: AttributeCursor) => void): void {
  const place = new AttributeCursor(slab);
  const item = new AttributeCursor(slab);
  place.reset(list.start, list.end);
  while (place.next()) {
    item.reset(place.start, place.end);
    visit(item);
  }
}
