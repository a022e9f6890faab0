// SPDX-License-Identifier: GPL-2.0
/*
 * Trouble on demand, for kernels in VMs: Debian's have no lkdtm. What is written to
 * /sys/module/netfall_crash/parameters/provoke happens at once, in the process that wrote it.
 */
#include <linux/bug.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/string.h>

struct queue {
	char unused[64];
	int length;
};

static noinline int queue_length(const struct queue *queue)
{
	return READ_ONCE(queue->length);
}

static noinline void spin_forever(void)
{
	preempt_disable();
	for (;;)
		cpu_relax();
}

static int provoke(const char *value, const struct kernel_param *param)
{
	if (sysfs_streq(value, "null-dereference"))
		return queue_length(NULL);
	if (sysfs_streq(value, "soft-lockup"))
		spin_forever();
	if (sysfs_streq(value, "warning"))
		WARN(1, "a warning that was asked for\n");
	else
		return -EINVAL;
	return 0;
}

static const struct kernel_param_ops provoke_ops = { .set = provoke };
module_param_cb(provoke, &provoke_ops, NULL, 0200);

MODULE_DESCRIPTION("Trouble on demand");
MODULE_LICENSE("GPL");
