/**
 * Functions that are not to blame for what happens in them: they report it, or do for their callers what those ask, and
 * it is the caller that asked wrongly. Pure. Names are without compilers' suffixes.
 */

/** Why functions are passed over. The first that fits counts. */
const HELPERS: readonly (readonly [string, RegExp])[] = [
  [
    'reporting',
    /^(?:rust_helper_BUG|(?:__rustc::)?rust_begin_unwind|core::panicking::.{1,100}|core::(?:option|result)::\w{1,40}|_*(?:show|dump)_(?:stack|backtrace|trace|regs)\w*|v?panic|nmi_panic|(?:__|c_)?die(?:_\w+)?|oops_\w+|_*report_bug|_*warn(?:_\w+|$)|warn_slowpath\w*|bust_spinlocks|arch_(?:stack_walk|trigger_\w+)|(?:save_)?stack_trace\w*|save_(?:stack|trace)\w*|unwind_backtrace|walk_stackframe|unwind_frame|__?print_\w+|print_\w+|p?v?printk\w*|_printk\w*|_*printk_(?:safe|deferred)\w*|panic_bad_stack|handle_bad_stack|__bad_stack|console_unlock|(?:dynamic|netdev|dev|wiphy|rdev)_(?:v?printk\w*|warn|err|info|dbg|notice|emerg|alert|crit)|_dev_\w+|nmi_(?:cpu_backtrace|trigger)\w*|fixup_bug|handle_bug|bug_handler|sched_show_task|_sched_show_task|dump_cpu_task|rcu_dump_cpu_stacks|object_err|slab_err|slab_fix|slab_bug|check_(?:object|slab)|bad_page\w*|cut_here|show_mem|warn_alloc|check_panic_on_warn|hung_task_panic|check_hung\w*|spin_(?:dump|bug)|rwlock_bug|va_format|dev_v?printk_emit|hex_string|widen_string|watchdog_timer_fn|softlockup_\w+)$/,
  ],
  [
    'trap',
    /^(?:(?:async_|do_|exc_|asm_exc_|handle_|__do_|do_async_)?(?:page_fault|user_addr_fault|kern_addr_fault|translation_fault|mem_abort|sp_pc_abort|alignment_fault)|exc_\w+|asm_exc_\w+|no_context|_*bad_area\w*|page_fault_oops|kernelmode_fixup_or_oops|(?:do_)?(?:invalid_op|divide_error|general_protection|double_fault|stack_segment|int3|error_trap|trap\w*)|gp_fault|retint_\w+|error_(?:entry|exit|code)|common_(?:interrupt|exception)\w*|do_debug_exception|brk_handler|call_break_hook|early_\w*fault\w*|el[01]t?_\w+|el[01]h?_\d+_\w+|vectors?|__irq_(?:svc|usr)|do_(?:Data|Prefetch)Abort|do_(?:undefinstr|DataAbort|serror|el1_undef)|do_undefinstr|do_und_\w+|do_tag_check_fault|do_bad_area|do_kernel_fault|_*do_kernel_fault|die_kernel_fault|fault_in_kernel\w*|search_exception\w*|fixup_exception|do_sea|bad_el0_sync|handle_exception|do_page_fault\w*|trace_page_fault|_etext|__bad_area\w*)$/,
  ],
  [
    'sanitizer',
    /^(?:_*should_fail\w*|fail_dump|df_debug|_*k[amc]san_\w+|k[amc]san_\w+|_*(?:asan|msan|tsan|hwasan|ubsan|sanitizer)_\w+|ubsan_epilogue|handle_overflow|kfence_\w+|check_memory_region\w*|memory_is_poisoned\w*|read_word_at_a_time|msan_\w+|instrument_\w+|check_access|find_watchpoint|lockdep_\w+|_*lockdep\w*|debug_(?:lockdep|locks|object|check|print|spin|rt)\w*|debug_(?:smp_processor_id|mutex\w*)|_*debug_object\w*|__this_cpu_preempt_check|hlock_class|reacquire_held_locks|ref_tracker_\w+|trace_(?:hard|soft)irqs\w*|get_taint|add_taint|skb_(?:panic|over_panic|under_panic)|check_preemption_disabled|_*might_(?:sleep|resched|fault)\w*|__schedule_bug|schedule_debug|_*check_(?:heap|object|stack|usercopy)\w*|__check_\w*(?:object_size|usercopy)\w*|usercopy_(?:abort|warn)|_*fortify_\w+|rcu_(?:lockdep|read_lock_held)\w*|lock_is_held\w*|lock_acquired?|lock_release\w*|_*lock_(?:acquire|release)|lock_pin_lock|lock_downgrade|lock_set_class|register_lock_class|validate_chain|check_(?:prev|noncircular|usage|irq_usage|deadlock|wait_context)\w*|mark_(?:lock|held_locks|usage)\w*|valid_state|trace_hardirqs_\w+|__stack_chk_fail|_*refcount_\w+|refcount_\w+|_*kref_\w+|check_poison\w*|check_bytes\w*|init_object|on_freelist|free_debug\w+|alloc_debug\w+|__traceiter\w+|trace_event\w*)$/,
  ],
  ['dispatching', /^(?:process_one_work|worker_thread|kthread|ret_from_fork\w*)$/],
  [
    'waiting',
    /^(?:msleep\w*|ssleep|usleep\w*|fsleep|_*csd_lock\w*|complete(?:_all|_with_flags|_on_current_cpu)?|_*schedule(?:_timeout\w*|_idle|_user|_preempt_disabled|_hrtimeout\w*)?|_*wait_for_(?:common|completion)\w*|do_wait_for_common|_*wake_up\w*|kthread_(?:stop|park|unpark|flush\w*)|preempt_schedule\w*|_*cond_resched\w*|resched_curr)$/,
  ],
  [
    'work and timers',
    /^(?:sk_(?:stop|reset)_timer\w*|lock_timer_base|\w+_is_static_object|try_to_(?:grab_pending|del_timer_sync)|_*try_to_del_timer\w*|_*(?:del|mod|add|delete|shutdown)_timer\w*|_*timer_(?:delete|shutdown|setup)\w*|_*cancel_work_timer|_*(?:flush|cancel|drain|destroy|queue|mod)_(?:delayed_)?work(?:queue)?(?:_\w+)?|_*(?:flush|drain)_scheduled\w*|_*flush_work|insert_work|init_timer\w*|do_init_timer|timer_init\w*|_*init_work|_*cancel_work\w*|_*call_rcu\w*|(?:init|cleanup|_*call|barrier)_srcu\w*|_*call_srcu|srcu_\w+|_*cleanup_srcu\w*)$/,
  ],
  [
    'driver core',
    /^(?:(?:un)?register_net(?:dev|device)(?:_many|_queue|_many_notify)?|rollback_registered\w*|usb_(?:start_wait_urb|control_msg\w*|bulk_msg|internal_control_msg|interrupt_msg|kill_urb|poison_urb|kill_anchored_urbs)|proc_(?:register|create|mkdir|symlink)\w*|_*proc_create\w*|remove_proc_\w+|_*kobject_\w+|kset_\w+|_*sysfs_\w+|dpm_sysfs_\w+|device_(?:add|del|register|unregister|initialize|create\w*|destroy|remove_\w+|pm_\w+)|(?:put|get)_device|i2c_(?:add|del)_adapter|_*dev_(?:printk))$/,
  ],
  [
    'locking',
    /^(?:_*pv_(?:wait|kick|queued)\w*|kvm_wait|paravirt_\w+|_*raw_callee_save\w*|_*ldsem_\w+|_*tty_ldisc_lock\w*|tty_lock\w*|console_(?:lock|trylock)|(?:un|try)?lock_page\w*|_*folio_(?:un|try)?lock\w*|_*seqprop_\w+|(?:bit|wait)_(?:lock|unlock)\w*|_*(?:un)?lock_sock\w*|_*release_sock|_*(?:raw_)*(?:spin|read|write|rw|seq)_?(?:un|try)?lock\w*|do_raw_(?:spin|read|write)\w*|(?:native|pv)?_*queued_(?:spin|read|write)\w*|native_queued\w*|_*(?:mutex|rt_mutex|ww_mutex|rtmutex)_\w+|_*rt_(?:mutex|spin|read|write)\w*|_*(?:down|up)_(?:read|write|killable|interruptible|timeout|trylock)\w*|_*(?:down|up)|_*rwsem_\w+|_*percpu_(?:down|up)_\w+|rwbase_\w+|_*s?rcu_read_(?:un)?lock\w*|rcu_(?:lock|read)_\w+|osq_\w+|_*(?:arch|raw|generic|ll)?_?atomic(?:64|_long)?_\w+|_*cmpxchg\w*|_*xchg\w*|_*(?:test|set|clear|change|find)(?:_and_(?:set|clear|change))?_(?:next_|first_|zero_|next_zero_|first_zero_)?bit\w*|_*local_bh_\w+|_*preempt_\w+|arch_local_\w+|arch_spin\w+|_*raw_local\w+|_*lock_text_\w+|bit_spin_\w+|hlist_bl_(?:un)?lock|lockref_\w+|seqcount\w*|read_seq\w*|fsm_lock|rtlock_\w+|queued_\w+|raw_res_spin\w*|raw_spin\w*)$/,
  ],
  [
    'allocation',
    /^(?:free_to_partial_list|\w*[cmz]alloc\w*|_*set_page_owner\w*|_*page_pool_\w+|_*folio_alloc\w*|_*alloc_frozen\w*|_*kmalloc_large\w*|sock_k(?:m|z)?(?:alloc|free)\w*|_*filemap_(?:alloc|get)_folio\w*|pagecache_get_page|grab_cache_page\w*|_*page_cache_alloc\w*|alloc_pages\w*|vma_alloc\w*|_*free_frozen_pages\w*|free_unref\w*|_*folios_put\w*|release_pages|create_object|_*k(?:v?m|c|z|vz|vm|vc|re|vre|mm)alloc\w*|_*k(?:v|z|vz)?free(?:_(?:sensitive|bulk|const|rcu\w*))?|_*kmem_cache_\w+|_*kmalloc\w*|_*slab_\w+|_*do_slab\w+|_*(?:do_)?kmalloc\w*|_*cache_(?:alloc|free|grow|flusharray)\w*|_*new_slab\w*|allocate_slab|_*alloc_(?:pages?|slab)\w*|_*(?:get|free)_(?:free_|zeroed_)?pages?\w*|get_page_from_freelist|rmqueue\w*|_*v(?:malloc|zalloc|free|unmap)\w*|_*free_slab|discard_slab|_*free_pages?\w*|free_unref_\w+|free_pcp\w*|_*free_one_page|free_hot\w*|_*krealloc\w*|_*mempool_\w+|qlink_free|qlist_\w+|quarantine_\w+|page_frag_\w+|_*free_frozen\w*|_*pcpu_\w+|free_percpu|_*alloc_percpu\w*|kmemleak_\w*|_*kmemleak\w*|_*kstrn?dup\w*|kstrdup_\w+|_*kmemdup\w*|memdup_\w+|_*vmemdup\w*|v?strndup_\w+|kasprintf|kvasprintf\w*|devm_k\w+|_*devres_\w+|prep_(?:new|compound)_page|post_alloc_hook|obj_to_\w+|_*memcg_(?:slab|alloc|charge|uncharge|kmem)\w*|ida_\w+|idr_(?:alloc|get)\w*|idr_\w+alloc\w*|(?:__)?put_(?:page|cred)|setup_object\w*|kzalloc|kcalloc|_*folio_(?:alloc|put)\w*|_*put_partials|put_cpu_partial|deactivate_slab|unfreeze_partials|get_partial\w*|get_(?:any_)?partial|alloc_from_pcs|refill_(?:obj_stock|stock|sheaf\w*)|_*kvmalloc\w*|_*kfree\w*|_*ksize)$/,
  ],
  [
    'data structures',
    /^(?:plist_\w+|_*radix_tree_\w+|_*xas?_\w+|_*rhashtable_\w+|_*rhltable_\w+|_*rht_\w+|percpu_(?:ref|counter)_\w+|_*percpu_counter_\w+|_*llist_\w+|_*klist_\w+|_*idr_\w+|m(?:as|t|tree)_\w+|_*list_lru_\w+|assoc_array_\w+|_*dput\w*|fast_dput|iput\w*|lockref\w*|_*kfifo_\w+|_*sg_(?:init|next|free)\w*)$/,
  ],
  [
    'memory and strings',
    /^(?:sized_strscpy|v?sscanf|skip_spaces|strim|copyin|copyout|copy_from_user_iter|clear_user\w*|rep_(?:movs|stos)\w*|_*(?:virt|phys)_(?:to_)?\w*addr\w*|__phys_addr\w*|_*mem(?:cpy|set|move|cmp|scan|chr|zero)\w*|_*(?:real_|fortify_)?str(?:n|l|s|r|case|ncase|sc)?(?:cpy|len|cmp|cat|chr|str|nlen|nstr|pbrk|spn|sep|rchr|nchr|chrnul|casecmp|ncasecmp)\w*|_*(?:raw_|arch_)?copy_(?:from|to|in)_(?:user|kernel)\w*|copy_user_\w+|_*copy_(?:to|from|user|mc)_?(?:iter|user|sockptr|bpfptr|page)?\w*|copy_page(?:_to_iter|_from_iter\w*)?|_*(?:get|put|clear|strncpy_from|strnlen)_user\w*|copy_(?:from|to)_\w+|csum_(?:partial|and)\w*|do_csum|ip_fast_csum|checksum\w*|crc\w+|_*crc32\w*|list_(?:add|del|move|replace|splice|cut)\w*|_*list_(?:add|del)\w*|hlist_(?:add|del)\w*|_*hlist_(?:add|del)\w*|_*(?:rb|rb_)?_?(?:rb_insert|rb_erase|rb_next|rb_first)\w*|rb_(?:insert|erase|next|prev|first|last|replace|link)\w*|vs?n?c?printf|v?s[cn]?n?printf|vsnprintf|string(?:_nocheck)?|pointer|ptr_to_id|number|format_decode|bprintf|kstrto\w+|_*kstrto\w+|simple_strto\w+|hex_\w+|bin2hex|_*bitmap_\w+|bitmap_\w+|_*sw_hweight\w*|hweight\w*|_*(?:arch_)?hweight\w*|jhash\w*|_*(?:read|write)_once\w*|_*(?:readb|readw|readl|readq|writeb|writew|writel|writeq)|(?:in|out)[bwl]|ioread\d+|iowrite\d+|_*(?:get|put)_unaligned\w*|get_unaligned\w*|__x86_\w+|__x86_indirect\w*|retpoline\w*|__fentry__|ftrace_(?:stub|caller|regs_caller|graph_caller|call|ops_\w+|trampoline)|return_to_handler|mcount|_*skb_(?:put|push|pull|trim)\w*|_*pskb_trim\w*|_*pskb_pull\w*)$/,
  ],
];

/**
 * Whose data it is that they compute upon: of what nobody had written to, the caller is to blame that handed it over.
 */
const CRYPTO =
  /^(?:aes\w*|crypto_\w+|(?:xts|ecb|cbc|ctr|gcm|lrw|cts|essiv)_\w+|drbg_\w+|rng_\w+|cipher_\w+|_*sha\d+\w*|(?:s|a)?k?cipher_\w+|[as]hash_\w+|aead_\w+|chacha\w*|poly1305\w*|blake2\w*|ghash\w*|_*des\d?_\w+|_*crc\w+|\w*_(?:en|de)crypt(?:_\w+)?)$/;

export function isCrypto(name: string): boolean {
  return CRYPTO.test(name);
}

/** What makes an object, or a part of one, for its callers. */
const MAKERS = /alloc|dup(?:_|$)|^sget_userns$/;

export function isMaker(name: string): boolean {
  return MAKERS.test(name);
}

/** How a function is of no interest, or an empty string when it is of some. @param name without a compiler's suffixes */
export function helperKind(name: string): string {
  // Linux 6.10 and later call so what allocates, but for the profile of who does.
  const plain = name.replace(/_noprof$/, '');
  for (const [kind, pattern] of HELPERS) if (pattern.test(plain)) return kind;
  return '';
}
