/** Names as drivers of Linux 6.1 to 7.2 have them, and the counters that they belong to. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { driverCounters } from './drivers.ts';
import { explain } from './explain.ts';
import { counterRule } from './rules.ts';

interface Statistics {
  readonly counts: Readonly<Record<string, readonly string[]>>;
  /** These sound like a loss, but are counted elsewhere or are none. */
  readonly silent: readonly string[];
}

const DRIVERS: Readonly<Record<string, Statistics>> = {
  bnxt_en: {
    counts: {
      nic_link_down: ['link_down_events'],
      nic_link_errors: ['rx_pcs_symbol_err', 'rx_fec_uncorrectable_blocks'],
      nic_resets: ['[11]: rx_resets', 'tx_total_resets'],
      nic_rx_alloc_failed: ['rx_total_oom_discards'],
      nic_rx_csum_errors: ['[11]: rx_l4_csum_errors'],
      nic_rx_errors: ['[11]: rx_errors', '[11]: rx_buf_errors'],
      nic_rx_malformed: ['rx_align_err_frames', 'rx_jbr_frames', 'rx_undrsz_frames', 'rx_runt_frames'],
      nic_rx_no_buffer: ['[11]: rx_discards'],
      nic_rx_oversize: ['rx_ovrsz_frames', 'rx_mtu_err_frames'],
      nic_rx_pause: ['rx_pause_frames', 'rx_pfc_frames'],
      nic_rx_steer_missed: ['rx_filter_miss'],
      nic_tx_discards: ['[11]: tx_discards'],
      nic_tx_dropped: ['[11]: tx_errors'],
      nic_tx_errors: ['tx_jabber_frames', 'tx_fcs_err_frames'],
      nic_tx_pause: ['tx_pause_frames', 'tx_pfc_frames'],
    },
    silent: [
      '[11]: tpa_aborts',
      '[11]: rx_tpa_errors',
      '[11]: missed_irqs',
      'rx_total_l4_csum_errors',
      'rx_total_buf_errors',
      'rx_total_netpoll_discards',
      'rx_total_ring_discards',
      'tx_total_ring_discards',
      'total_missed_irqs',
      'rx_fcs_err_frames',
      'rx_stat_discard',
      'rx_stat_err',
      'tx_err',
      'tx_fifo_underruns',
      'tx_stat_discard',
      'tx_stat_error',
      'rx_discard_packets_cos4',
    ],
  },
  ena: {
    counts: {
      nic_conntrack_exceeded: ['conntrack_allowance_exceeded'],
      nic_link_down: ['interface_down'],
      nic_linklocal_exceeded: ['linklocal_allowance_exceeded'],
      nic_pps_exceeded: ['pps_allowance_exceeded'],
      nic_resets: ['wd_expired', 'reset_fail'],
      nic_rx_alloc_failed: ['queue_12_rx_page_alloc_fail', 'queue_12_rx_skb_alloc_fail'],
      nic_rx_bandwidth_exceeded: ['bw_in_allowance_exceeded'],
      nic_rx_csum_errors: ['queue_12_rx_csum_bad'],
      nic_rx_errors: ['queue_12_rx_dma_mapping_err', 'queue_12_rx_bad_desc_num', 'queue_12_rx_bad_req_id'],
      nic_rx_ring_empty: ['queue_12_rx_empty_rx_ring'],
      nic_rx_xdp_drop: ['queue_12_rx_xdp_drop'],
      nic_tx_bandwidth_exceeded: ['bw_out_allowance_exceeded'],
      nic_tx_errors: [
        'queue_12_tx_dma_mapping_err',
        'queue_12_tx_linearize_failed',
        'queue_12_tx_prepare_ctx_err',
        'queue_12_tx_bad_req_id',
        'queue_40_xdp_tx_dma_mapping_err',
        'queue_40_xdp_tx_linearize_failed',
        'queue_40_xdp_tx_prepare_ctx_err',
        'queue_40_xdp_tx_bad_req_id',
      ],
      nic_tx_queue_stopped: ['queue_12_tx_queue_stop'],
      nic_tx_timeout: ['tx_timeout', 'queue_12_tx_missed_tx', 'queue_40_xdp_tx_missed_tx'],
      nic_xdp_error: ['queue_12_rx_xdp_aborted', 'queue_12_rx_xdp_invalid'],
    },
    silent: ['ena_admin_q_aborted_cmd', 'ena_admin_q_out_of_space'],
  },
  gve: {
    counts: {
      nic_link_down: ['interface_down_cnt'],
      nic_resets: ['reset_cnt'],
      nic_rx_alloc_failed: ['rx_skb_alloc_fail', 'rx_buf_alloc_fail', 'page_alloc_fail'],
      nic_rx_csum_errors: ['rx_drops_invalid_checksum[7]'],
      nic_rx_discards: ['rx_queue_drop_cnt[7]'],
      nic_rx_errors: ['rx_desc_err_dropped_pkt'],
      nic_rx_oversize: ['rx_drops_packet_over_mru[7]'],
      nic_rx_ring_empty: ['rx_no_buffers_posted[7]'],
      nic_rx_xdp_drop: ['rx_xdp_drop[7]'],
      nic_tx_dropped: ['tx_dropped'],
      nic_tx_errors: ['dma_mapping_error', 'tx_dma_mapping_error[7]'],
      nic_tx_queue_stopped: ['tx_stop[7]'],
      nic_tx_timeout: ['tx_timeouts'],
      nic_xdp_error: [
        'rx_xdp_aborted[7]',
        'rx_xdp_tx_errors[7]',
        'rx_xdp_redirect_errors[7]',
        'rx_xdp_alloc_fails[7]',
        'tx_xdp_xmit_errors[7]',
      ],
    },
    silent: ['rx_dropped_pkt[7]', 'adminq_cmd_fail', 'adminq_timeouts'],
  },
  i40e: {
    counts: {
      nic_link_faults: ['port.mac_local_faults', 'port.mac_remote_faults'],
      nic_rx_alloc_failed: ['rx_alloc_fail', 'rx_pg_alloc_fail'],
      nic_rx_csum_errors: ['port.rx_csum_bad'],
      nic_rx_discards: ['port.rx_discards'],
      nic_rx_malformed: ['port.rx_undersize', 'port.rx_fragments', 'port.rx_jabber'],
      nic_rx_oversize: ['port.rx_oversize'],
      nic_rx_pause: ['port.link_xoff_rx', 'port.rx_priority_3_xoff_rx'],
      nic_tx_link_down: ['port.tx_dropped_link_down'],
      nic_tx_pause: ['port.link_xoff_tx', 'port.tx_priority_3_xoff_tx'],
      nic_tx_queue_stopped: ['tx_busy', 'tx_stopped'],
      nic_tx_timeout: ['port.tx_timeout'],
    },
    silent: [
      'veb.rx_discards',
      'veb.tx_discards',
      'veb.tx_errors',
      'port.tx_errors',
      'port.rx_crc_errors',
      'port.rx_length_errors',
      'port.arq_overflows',
      'port.tx_hwtstamp_timeouts',
    ],
  },
  ice: {
    counts: {
      nic_link_faults: ['mac_local_faults.nic', 'mac_remote_faults.nic'],
      nic_rx_alloc_failed: ['rx_alloc_fail', 'rx_pg_alloc_fail'],
      nic_rx_csum_errors: ['rx_csum_bad.nic', 'rx_eipe_error.nic'],
      nic_rx_discards: ['rx_dropped.nic'],
      nic_rx_malformed: ['rx_undersize.nic', 'rx_fragments.nic', 'rx_jabber.nic'],
      nic_rx_oversize: ['rx_oversize.nic'],
      nic_rx_pause: ['link_xoff_rx.nic', 'rx_priority_7_xoff.nic'],
      nic_tx_link_down: ['tx_dropped_link_down.nic'],
      nic_tx_pause: ['link_xoff_tx.nic', 'tx_priority_7_xoff.nic'],
      nic_tx_queue_stopped: ['tx_busy'],
      nic_tx_timeout: ['tx_timeout.nic'],
    },
    silent: ['tx_errors.nic', 'rx_crc_errors.nic', 'tx_hwtstamp_timeouts', 'tx_hwtstamp_discarded'],
  },
  mlx5_core: {
    counts: {
      nic_link_down: ['link_down_events_phy'],
      nic_link_errors: ['rx_symbol_err_phy', 'rx_pcs_symbol_err_phy'],
      nic_pause_storm: ['tx_pause_storm_warning_events', 'tx_pause_storm_error_events'],
      nic_resets: ['tx_recover', 'rx_recover'],
      nic_rx_alloc_failed: ['rx_buff_alloc_err', 'rx_xsk_buff_alloc_err'],
      nic_rx_discards: ['dev_internal_queue_oob'],
      nic_rx_errors: ['rx_wqe_err', 'rx_xsk_wqe_err'],
      nic_rx_interface_down: ['rx_if_down_packets'],
      nic_rx_malformed: ['rx_undersize_pkts_phy', 'rx_fragments_phy', 'rx_jabbers_phy'],
      nic_rx_no_buffer: ['rx_out_of_buffer'],
      nic_rx_oversize: [
        'rx_oversize_pkts_sw_drop',
        'rx_xsk_oversize_pkts_sw_drop',
        'rx_oversize_pkts_buffer',
        'rx_oversize_pkts_phy',
      ],
      nic_rx_pause: ['rx_pause_ctrl_phy', 'rx_prio3_pause'],
      nic_rx_pci_overflow: ['outbound_pci_buffer_overflow'],
      nic_rx_phy_discards: ['rx_discards_phy'],
      nic_rx_steer_missed: ['rx_steer_missed_packets'],
      nic_rx_xdp_drop: ['rx_xdp_drop', 'rx_xsk_xdp_drop'],
      nic_tx_discards: ['tx_discards_phy'],
      nic_tx_dropped: ['tx_queue_dropped'],
      nic_tx_errors: ['tx_tls_drop_no_sync_data', 'tx_tls_drop_bypass_req', 'tx_cqe_err'],
      nic_tx_pause: ['tx_pause_ctrl_phy', 'tx_prio3_pause'],
      nic_tx_queue_stopped: ['tx_queue_stopped'],
      nic_xdp_error: ['rx_xdp_tx_full', 'rx_xdp_tx_err', 'tx_xdp_full', 'tx_xdp_err'],
    },
    silent: [
      'rx_arfs_err',
      'rx_tls_err',
      'tx_xsk_err',
      'rx63_xdp_drop',
      'tx63_dropped',
      'ptp_rq0_wqe_err',
      'qos_tx1_dropped',
      'rx_crc_errors_phy',
      'rx_in_range_len_errors_phy',
      'rx_out_of_range_len_phy',
      'tx_errors_phy',
      'rx_err_lane_0_phy',
      'rx_err_lane_1_phy',
      'rx_err_lane_2_phy',
      'rx_err_lane_3_phy',
      'rx_prio3_buf_discard',
      'rx_prio3_cong_discard',
      'rx_prio3_discards',
    ],
  },
  veth: {
    counts: {
      nic_rx_dropped: ['rx_queue_0_drops'],
      nic_rx_xdp_drop: ['rx_queue_0_xdp_drops'],
      nic_xdp_error: ['rx_queue_0_xdp_tx_errors', 'tx_queue_0_xdp_xmit_errors'],
    },
    silent: [],
  },
  virtio_net: {
    counts: {
      nic_rx_dropped: ['rx0_drops', 'rx_queue_1_drops'],
      nic_rx_xdp_drop: ['rx0_xdp_drops', 'rx_queue_1_xdp_drops'],
      nic_tx_timeout: ['tx0_tx_timeouts', 'tx_queue_1_tx_timeouts'],
      nic_xdp_error: ['tx0_xdp_tx_drops', 'tx_queue_1_xdp_tx_drops'],
    },
    silent: ['rx_drops', 'rx_xdp_drops', 'tx_xdp_tx_drops', 'tx_tx_timeouts'],
  },
  hv_netvsc: {
    counts: {
      nic_rx_alloc_failed: ['rx_no_memory'],
      nic_rx_xdp_drop: ['rx_queue_3_xdp_drop'],
      nic_tx_dropped: ['tx_no_memory', 'tx_no_space', 'tx_too_big', 'vlan_error', 'vf_tx_dropped'],
      nic_tx_queue_stopped: ['tx_busy', 'stop_queue'],
    },
    silent: [],
  },
  igb: {
    counts: {
      nic_rx_alloc_failed: ['rx_queue_2_alloc_failed'],
      nic_rx_csum_errors: ['rx_queue_2_csum_err'],
      nic_rx_malformed: ['rx_short_length_errors'],
      nic_rx_oversize: ['rx_long_length_errors'],
      nic_rx_pause: ['rx_flow_control_xoff'],
      nic_rx_ring_empty: ['rx_no_buffer_count'],
      nic_tx_errors: ['tx_tcp_seg_failed'],
      nic_tx_pause: ['tx_flow_control_xoff'],
      nic_tx_timeout: ['tx_timeout_count'],
    },
    silent: [
      'tx_abort_late_coll',
      'rx_align_errors',
      'dropped_smbus',
      'tx_hwtstamp_timeouts',
      'rx_queue_2_drops',
    ],
  },
  ixgbe: {
    counts: {
      ethtool_fcoe_bad_fccrc: ['fcoe_bad_fccrc'],
      ethtool_rx_fcoe_dropped: ['rx_fcoe_dropped'],
      nic_rx_alloc_failed: ['alloc_rx_page_failed', 'alloc_rx_buff_failed'],
      nic_rx_csum_errors: ['rx_csum_offload_errors'],
      nic_rx_discards: ['rx_no_dma_resources'],
      nic_rx_malformed: ['rx_short_length_errors'],
      nic_rx_oversize: ['rx_long_length_errors'],
      nic_rx_pause: ['rx_flow_control_xoff', 'rx_pb_3_pxoff'],
      nic_rx_ring_empty: ['rx_no_buffer_count'],
      nic_tx_pause: ['tx_flow_control_xoff', 'tx_pb_3_pxoff'],
      nic_tx_queue_stopped: ['tx_busy'],
      nic_tx_timeout: ['tx_timeout_count'],
    },
    silent: ['fdir_miss', 'fdir_overflow', 'tx_hwtstamp_timeouts'],
  },
  mana: {
    counts: {
      nic_rx_discards: ['hc_rx_pkt_drop_phy'],
      nic_rx_errors: ['rx_cqe_unknown_type', 'rx_3_pkt_len0_err'],
      nic_rx_interface_down: ['hc_rx_err_vport_disabled'],
      nic_rx_no_buffer: ['hc_rx_discards_no_wqe'],
      nic_rx_pause: ['hc_tc0_rx_pause_phy', 'hc_tc7_rx_pause_phy'],
      nic_rx_xdp_drop: ['rx_3_xdp_drop'],
      nic_tx_discards: [
        'hc_tx_err_gf_disabled',
        'hc_tx_err_vport_disabled',
        'hc_tx_err_inval_vportoffset_pkt',
        'hc_tx_err_vlan_enforcement',
        'hc_tx_err_eth_type_enforcement',
        'hc_tx_err_sa_enforcement',
        'hc_tx_err_sqpdid_enforcement',
        'hc_tx_err_cqpdid_enforcement',
        'hc_tx_err_mtu_violation',
        'hc_tx_err_inval_oob',
        'hc_tx_err_gdma',
        'hc_tx_pkt_drop_phy',
      ],
      nic_tx_errors: ['tx_cq_err', 'tx_cqe_unknown_type', 'tx_3_mana_map_err'],
      nic_tx_pause: ['hc_tc0_tx_pause_phy', 'hc_tc7_tx_pause_phy'],
      nic_tx_queue_stopped: ['stop_queue'],
    },
    silent: [],
  },
  vmxnet3: {
    counts: {
      nic_rx_alloc_failed: ['  rx buf alloc fail'],
      nic_rx_dropped: ['  drv dropped rx total'],
      nic_rx_no_buffer: ['  pkts rx OOB'],
      nic_rx_xdp_drop: ['     xdp drops'],
      nic_tx_discards: ['  pkts tx discard'],
      nic_tx_dropped: ['  drv dropped tx total'],
      nic_tx_queue_stopped: ['  ring full'],
      nic_tx_timeout: ['tx timeout count'],
      nic_xdp_error: ['  xdp xmit err', '     xdp aborted'],
    },
    silent: ['  pkts tx err', '     hdr err', '  pkts rx err', '     err', '     fcs'],
  },
};

test.each(Object.entries(DRIVERS))('%s’s statistics go to their counters', (driver, { counts, silent }) => {
  const { counterOf } = driverCounters(driver);
  for (const [counter, statistics] of Object.entries(counts)) {
    expect(counterRule(counter), counter).toBeDefined();
    for (const statistic of statistics) expect(counterOf(statistic), statistic).toBe(counter);
  }
  for (const statistic of silent) expect(counterOf(statistic), statistic).toBeUndefined();
});

test.each([
  ['rx_queue_3_drops', 'ethtool_rx_queue_N_drops'],
  ['[0]: rx_discards', 'ethtool_N_rx_discards'],
  ['rx0_csum_err', 'ethtool_rxN_csum_err'],
  ['tx-3.errors', 'ethtool_tx-N.errors'],
  ['rx_no_buffers_posted[12]', 'ethtool_rx_no_buffers_posted_N'],
  ['rxq12_missed', 'ethtool_rxqN_missed'],
  ['rx_l4_csum_errors', 'ethtool_rx_l4_csum_errors'],
  ['VF 3 Rx fails', 'ethtool_VF_N_Rx_fails'],
])('an unknown driver’s %s is %s', (statistic, counter) => {
  expect(driverCounters('nosuchdriver').counterOf(statistic)).toBe(counter);
});

test.each([
  'rx_packets',
  'interrupts',
  'tx_deferred',
  'rx_discard_bytes',
  'rx_dropped',
  'tx_errors',
  'rx_missed_errors',
  'rx_crc_errors',
  '',
])('an unknown driver’s %s is none', (statistic) => {
  expect(driverCounters('nosuchdriver').counterOf(statistic)).toBeUndefined();
});

test('a name that a known driver gets anew is told under that name', () => {
  expect(driverCounters('ena').counterOf('queue_7_rx_brand_new_drops')).toBe(
    'ethtool_queue_N_rx_brand_new_drops',
  );
});

test('any name is taken', () => {
  const words = fc.constantFrom('rx', 'drop', 'err', 'queue_', '12', '[', ']: ', '.', ' ', '_', 'é', '\n');
  const names = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.array(words, { maxLength: 12 }).map((w) => w.join('')),
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(DRIVERS), '', 'toString'), names, (driver, name) => {
      expect(driverCounters(driver).counterOf(name) ?? 'nic_').toMatch(
        /^(nic_|ethtool_[A-Za-z0-9])[A-Za-z0-9_.-]*$/,
      );
    }),
  );
});

test('unknown statistics go by one rule', () => {
  expect(counterRule('ethtool_rx_queue_N_drops')).toBe(counterRule('ethtool_statistic'));
  expect(counterRule('ethtool_statistic')).toMatchObject({ lost: 'sometimes', layer: 'device' });
  expect(explain('ethtool_rx_queue_N_drops')).toEqual({
    ...explain('ethtool_statistic'),
    name: 'ethtool_rx_queue_N_drops',
  });
});
