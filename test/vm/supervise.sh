# The VM's PID 1 once the root is mounted: sets up what a booted system has, then runs commands for the harness (vm.ts).
# On the second serial port it reads "run ID" and "kill ID", and writes "ready" once a boot and "ID STATUS" for each command.
# A command is /run/vm/ID/script; it prints into the files stdout and stderr there.
export PATH="$tree/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export HOME=/root LANG=C.UTF-8
# A program that is started again is then there in half the time.
export NODE_COMPILE_CACHE=/tmp/node-compile-cache

mkdir -p /dev/pts /dev/shm /run/tree "/lib/modules/$release"
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
mount -t devpts devpts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t securityfs securityfs /sys/kernel/security
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing
mount -t bpf bpf /sys/fs/bpf
mount -t pstore pstore /sys/fs/pstore
mount --bind "$modules" "/lib/modules/$release"
# Empty, but for the tree if it is there.
mount --bind "$tree" /run/tree
mount -t tmpfs tmp /tmp
mkdir -p "$tree"
mount --move /run/tree "$tree"
modprobe configfs
mount -t configfs configfs /sys/kernel/config
hostname vm
ip link set lo up
if modprobe virtio_net 2>/dev/null && ip link set eth0 up 2>/dev/null; then
  ip address add "$address/24" dev eth0
  ip route add default via "$gateway"
fi
if [ -n "$pstore" ]; then modprobe "$pstore"; fi
cd "$tree"

if [ -n "$terminal" ]; then
  stty -F /dev/ttyS0 $terminal
  PS1="[$release] \w # " TERM=xterm-256color setsid -c bash --norc <>/dev/ttyS0 >&0 2>&1
  echo b >/proc/sysrq-trigger
fi

run() {
  sh -c 'echo 0 >"$2/cgroup.procs"; ulimit -f 131072; exec sh "$1/script"' - "/run/vm/$1" "$2" \
    </dev/null >"/run/vm/$1/stdout" 2>"/run/vm/$1/stderr"
  status=$?
  # What it left running ends with it.
  echo 1 >"$2/cgroup.kill"
  until rmdir "$2" 2>/dev/null; do sleep 0.01; done
  echo "$1 $status"
}

exec </dev/ttyS1 >/dev/ttyS1
stty raw -echo
# What an earlier boot was writing when it died may have no end.
printf '\nready\n'
while read -r verb id; do
  group="/sys/fs/cgroup/$id"
  case "$verb" in
    run)
      mkdir "$group"
      run "$id" "$group" &
      ;;
    kill) echo 1 >"$group/cgroup.kill" ;;
  esac
done
