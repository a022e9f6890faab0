// SPDX-License-Identifier: GPL-2.0
/*
 * Trouble on demand, for kernels in VMs: Debian's have no lkdtm. What is written to /dev/netfall_crash happens at once, in
 * the process that wrote it unless it says otherwise. Functions have names as drivers' have: reports blame them by these.
 */
#include <linux/bug.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/kfence.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/refcount.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

/* For the compiler, any address may be behind this one. */
#define hidden(pointer) ({ typeof(pointer) at_ = (pointer); OPTIMIZER_HIDE_VAR(at_); at_; })

struct queue {
	char unused[64];
	int length;
	void (*notify)(struct queue *queue);
};

struct session {
	struct list_head entry;
	refcount_t users;
	char name[16];
	char peer[80];
};

/* What is written, as far as functions need it. */
static const char __user *written;
/* Not known to the compiler. */
static int zero;
static int one_page = PAGE_SIZE;

/* Addresses that are none. */

static noinline int queue_length(const struct queue *queue)
{
	return READ_ONCE(queue->length);
}

static noinline void queue_show(void)
{
	queue_length(NULL);
}

static noinline void queue_reset(void)
{
	struct queue *queue = hidden((struct queue *)NULL);

	WRITE_ONCE(queue->length, 0);
}

static noinline void queue_wake(void)
{
	struct queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);

	queue->notify(queue);
	kfree(queue);
}

static noinline void hook_run(void)
{
	void (*hook)(void) = kzalloc(64, GFP_KERNEL);

	hook();
	kfree(hook);
}

static noinline void ring_head(void)
{
	const int *ring = hidden((int *)0x6b6b6b6b6b6b6b6bul);

	READ_ONCE(*ring);
}

/* Behind what vmalloc gives there is a page that is never mapped. */
static noinline void frame_sum(void)
{
	const char *frame = hidden((char *)vmalloc(PAGE_SIZE));

	READ_ONCE(frame[one_page]);
	vfree(frame);
}

static const int limits[64] = { 1 };

static noinline void limit_raise(void)
{
	int *limit = hidden((int *)limits);

	WRITE_ONCE(*limit, 2);
}

static noinline void option_parse(void)
{
	const char *option = hidden((const char __force *)written);

	READ_ONCE(*option);
}

/* What the kernel or the processor checks. */

static noinline void packet_verify(void)
{
	BUG_ON(READ_ONCE(zero) == 0);
}

static noinline void meter_update(void)
{
	WARN_ON(READ_ONCE(zero) == 0);
}

static noinline void mean_delay(void)
{
	WRITE_ONCE(one_page, one_page / READ_ONCE(zero));
}

static noinline void feature_probe(void)
{
	asm volatile("ud2");
}

static LIST_HEAD(sessions);
static struct session session;

static noinline void session_open(void)
{
	list_add(&session.entry, &sessions);
	list_add(&session.entry, &sessions);
}

static noinline void session_close(void)
{
	INIT_LIST_HEAD(&sessions);
	list_add(&session.entry, &sessions);
	list_del(&session.entry);
	list_del(&session.entry);
}

static noinline void session_get(void)
{
	refcount_set(&session.users, 0);
	refcount_inc(&session.users);
}

static noinline void session_put(void)
{
	refcount_set(&session.users, 0);
	if (refcount_dec_and_test(&session.users))
		list_del(&session.entry);
}

static const char names[64];

/* What comes behind the name is written to. */
static noinline void session_rename(void)
{
	memcpy(session.name, names, READ_ONCE(zero) + sizeof(session.name) + 8);
}

static char title[16];

static noinline void title_set(void)
{
	memset(title, 0, READ_ONCE(zero) + sizeof(title) + 8);
}

static noinline void stats_report(void)
{
	void *stats = hidden(kzalloc(64, GFP_KERNEL));

	if (copy_to_user((void __user *)written, stats, READ_ONCE(zero) + 200))
		pr_info("not all was copied\n");
	kfree(stats);
}

/* The allocators. */

static noinline void buffer_release(void)
{
	void *buffer = hidden(kmalloc(200, GFP_KERNEL));

	kfree(buffer);
	kfree(hidden(buffer));
}

static struct kmem_cache *checked;

static noinline struct session *session_create(void)
{
	return kmem_cache_alloc(checked, GFP_KERNEL);
}

/* A cache that the kernel checks, for one trouble: it may be of no use afterwards. */
static void check_sessions(const char *name)
{
	checked = kmem_cache_create(name, sizeof(struct session), 0,
				    SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_STORE_USER, NULL);
	/* One that stays, so that what the others lie in is in use. */
	session_create();
}

static noinline void session_destroy(struct session *gone)
{
	kmem_cache_free(checked, gone);
}

static noinline void session_replace(void)
{
	struct session *gone;

	check_sessions("netfall_freed");
	gone = session_create();
	session_destroy(gone);
	session_destroy(hidden(gone));
}

static noinline void session_expire(void)
{
	struct session *gone;

	check_sessions("netfall_stale");
	gone = session_create();
	session_destroy(gone);
	gone = hidden(gone);
	WRITE_ONCE(gone->name[0], 'x');
	session_destroy(session_create());
}

static noinline void session_label(void)
{
	struct session *one;
	char *label;

	check_sessions("netfall_grown");
	one = session_create();
	label = hidden((char *)one);
	WRITE_ONCE(label[sizeof(*one)], 'x');
	kmem_cache_free(checked, one);
}

static noinline void page_return(void)
{
	/* More than the kernel keeps for the next one who asks: those it looks at later. */
	struct page *pages = alloc_pages(GFP_KERNEL, PAGE_ALLOC_COSTLY_ORDER + 1);

	pages->mapping = (void *)0x100;
	__free_pages(pages, PAGE_ALLOC_COSTLY_ORDER + 1);
}

#ifdef CONFIG_KFENCE
/* One of few is watched. */
static char *watched(void)
{
	for (int tries = 0; tries < 100000; tries++) {
		char *one = kmalloc(100, GFP_KERNEL);

		if (is_kfence_address(one))
			return one;
		kfree(one);
		cond_resched();
	}
	return NULL;
}

static noinline void reply_read(void)
{
	char *reply = hidden(watched());

	kfree(reply);
	READ_ONCE(*hidden(reply));
}

static noinline void reply_grow(void)
{
	char *reply = hidden(watched());

	READ_ONCE(reply[one_page]);
	kfree(reply);
}

static noinline void reply_drop(void)
{
	char *reply = watched();

	kfree(reply);
	kfree(hidden(reply));
}
#endif

/* The stack. */

static noinline int tree_depth(int level)
{
	volatile char path[1000];

	path[level % 1000] = level;
	if (READ_ONCE(zero))
		return 0;
	return tree_depth(level + 1) + path[0];
}

static noinline void tree_walk(void)
{
	tree_depth(0);
}

static noinline void label_write(void)
{
	char label[16];
	char *at = hidden(&label[0]);

	for (int left = READ_ONCE(zero) + 32; left > 0; left--)
		WRITE_ONCE(*at++, 'x');
}

static noinline int trace_flush(void *unused)
{
	*end_of_stack(current) = 0;
	schedule();
	return 0;
}

/* In a thread. */
static noinline void trace_start(void)
{
	kthread_run(trace_flush, NULL, "trace_flush");
	msleep(1000);
}

/* Time. */

static noinline void spin_ms(unsigned int ms)
{
	unsigned long until = jiffies + msecs_to_jiffies(ms);

	preempt_disable();
	while (time_before(READ_ONCE(jiffies), until))
		cpu_relax();
	preempt_enable();
}

static noinline void spin_forever(void)
{
	preempt_disable();
	for (;;)
		cpu_relax();
}

static noinline void scan_ports(struct work_struct *work)
{
	spin_ms(7000);
}

static DECLARE_WORK(scan, scan_ports);

/* In a worker. */
static noinline void scan_start(void)
{
	schedule_work(&scan);
	flush_work(&scan);
}

static noinline int port_poll(void *unused)
{
	spin_ms(5000);
	return 0;
}

/* In a thread, while somebody waits for a grace period. */
static noinline void port_start(void)
{
	kthread_run(port_poll, NULL, "port_poll");
	msleep(20);
	synchronize_rcu();
}

static DECLARE_COMPLETION(drained);

static noinline void queue_drain(void)
{
	wait_for_completion_timeout(&drained, 14 * HZ);
}

static DEFINE_MUTEX(config);

static noinline int config_save(void *unused)
{
	mutex_lock(&config);
	/* Nobody is told of this one, who may be interrupted. */
	msleep_interruptible(14000);
	mutex_unlock(&config);
	return 0;
}

static noinline void config_load(void)
{
	kthread_run(config_save, NULL, "config_save");
	msleep(20);
	mutex_lock(&config);
	mutex_unlock(&config);
}

static noinline void port_reset(void)
{
	preempt_disable();
	msleep(1);
	preempt_enable();
}

static noinline void beat_expire(struct timer_list *timer)
{
	BUG_ON(READ_ONCE(zero) == 0);
}

static DEFINE_TIMER(beat, beat_expire);

/* In an interrupt. */
static noinline void beat_start(void)
{
	mod_timer(&beat, jiffies + 1);
	msleep(1000);
}

static noinline void firmware_check(void)
{
	panic("firmware of port %d is gone", READ_ONCE(zero));
}

static const struct {
	const char *name;
	void (*happen)(void);
} troubles[] = {
	{ "null-dereference", queue_show },
	{ "null-write", queue_reset },
	{ "null-call", queue_wake },
	{ "data-call", hook_run },
	{ "wild-pointer", ring_head },
	{ "unmapped", frame_sum },
	{ "read-only", limit_raise },
	{ "user-memory", option_parse },
	{ "bug", packet_verify },
	{ "warn-on", meter_update },
	{ "divide", mean_delay },
	{ "invalid-opcode", feature_probe },
	{ "list-add", session_open },
	{ "list-del", session_close },
	{ "refcount-zero", session_get },
	{ "refcount-underflow", session_put },
	{ "field-overflow", session_rename },
	{ "buffer-overflow", title_set },
	{ "usercopy", stats_report },
	{ "double-free", buffer_release },
	{ "slab-double-free", session_replace },
	{ "slab-use-after-free", session_expire },
	{ "slab-overflow", session_label },
	{ "bad-page", page_return },
#ifdef CONFIG_KFENCE
	{ "kfence-use-after-free", reply_read },
	{ "kfence-out-of-bounds", reply_grow },
	{ "kfence-double-free", reply_drop },
#endif
	{ "stack-overflow", tree_walk },
	{ "stack-protector", label_write },
	{ "stack-end", trace_start },
	{ "soft-lockup", spin_forever },
	{ "soft-lockup-work", scan_start },
	{ "rcu-stall", port_start },
	{ "hung-task", queue_drain },
	{ "hung-task-mutex", config_load },
	{ "atomic-sleep", port_reset },
	{ "timer-bug", beat_start },
	{ "driver-panic", firmware_check },
};

static ssize_t provoke(struct file *file, const char __user *buffer, size_t size, loff_t *offset)
{
	char name[32] = "";

	if (size >= sizeof(name) || copy_from_user(name, buffer, size))
		return -EINVAL;
	written = buffer;
	if (sysfs_streq(name, "warning")) {
		WARN(1, "a warning that was asked for\n");
		return size;
	}
	for (int i = 0; i < ARRAY_SIZE(troubles); i++) {
		if (!sysfs_streq(name, troubles[i].name))
			continue;
		troubles[i].happen();
		return size;
	}
	return -EINVAL;
}

static const struct file_operations operations = { .owner = THIS_MODULE, .write = provoke };
static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "netfall_crash",
	.fops = &operations,
};

static int __init load(void)
{
	return misc_register(&device);
}
/* It cannot be unloaded. */
module_init(load);

MODULE_DESCRIPTION("Trouble on demand");
MODULE_LICENSE("GPL");
