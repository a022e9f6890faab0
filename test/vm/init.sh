#!/bin/busybox sh
# The VM's first program, in its initramfs: the host's files become the root, read-only with a tmpfs over them, so that
# the guest has the programs of the host and the tree, and nothing that it writes reaches them. The folder that is
# shared with the harness is the exception.
. /told
b=/bin/busybox

$b mkdir -p /dev /host /over /root
$b mount -t devtmpfs dev /dev
for module in /modules/*; do $b insmod "$module"; done

options=trans=virtio,version=9p2000.L,msize=524288
# Cached without asking the host again: a change that is made there while the VM runs may not be seen, but Node starts
# several times as fast.
$b mount -t 9p -o "$options,cache=loose,ro" host /host
$b mount -t tmpfs over /over
$b mkdir /over/upper /over/work
$b mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work root /root

$b mount -t proc proc /root/proc
$b mount -t sysfs sys /root/sys
$b mount -t tmpfs run /root/run
$b mkdir -m 700 /root/run/vm
# No cache: what a command printed has reached the host when the command has ended.
$b mount -t 9p -o "$options,cache=none" vm /root/run/vm
$b mount --move /dev /root/dev

export tree release modules terminal pstore address gateway
exec $b switch_root /root /bin/sh "$tree/test/vm/supervise.sh"
