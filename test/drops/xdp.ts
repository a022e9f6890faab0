/**
 * Attaches a program to an interface that drops whatever arrives: in the generic way that works on any driver, or in the
 * driver itself (IFLA_XDP of include/uapi/linux/if_link.h, with XDP_FLAGS_SKB_MODE or XDP_FLAGS_DRV_MODE).
 */
import { assemble, r0 } from '../../agent/kernel/bpf/assembler.ts';
import { BpfProgram, type ProgramOptions } from '../../agent/kernel/bpf/program.ts';
import { NetlinkProtocol } from '../../agent/kernel/netlink/socket.ts';
import { MessageFlag, NetlinkRequester } from '../../agent/kernel/netlink/transaction.ts';
import { MessageWriter } from '../../agent/kernel/netlink/writer.ts';

const PROGRAM_XDP = 6 as ProgramOptions['type'];
const XDP_DROP = 1;
const RTM_SETLINK = 19;
const IFINFOMSG_BYTES = 16;
const IFLA_IFNAME = 3;
const IFLA_XDP = { nest: 43, fd: 1, flags: 3 } as const;
const XDP_FLAGS = { generic: 2, driver: 4 } as const;

/** In this thread's namespace, until the interface is gone. */
export function dropEverything(iface: string, mode: keyof typeof XDP_FLAGS = 'generic'): void {
  using program = BpfProgram.load({
    type: PROGRAM_XDP,
    name: 'drop_everything',
    code: assemble((b) => {
      b.mov(r0, XDP_DROP);
      b.exit();
    }),
  });
  using requester = new NetlinkRequester(NetlinkProtocol.route);
  const writer = new MessageWriter();
  writer.begin(RTM_SETLINK, MessageFlag.acknowledge);
  writer.header(IFINFOMSG_BYTES);
  writer.string(IFLA_IFNAME, iface);
  writer.nest(IFLA_XDP.nest, () => {
    writer.u32(IFLA_XDP.fd, program.fd);
    writer.u32(IFLA_XDP.flags, XDP_FLAGS[mode]);
  });
  requester.request('RTM_SETLINK', writer.finish());
}
