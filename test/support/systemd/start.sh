#!/bin/bash
# A systemd of its own: its processes, files and control groups are apart from the machine's, the
# network is the same. For root on Linux, and begun in a mount namespace.
#   unshare --mount start.sh FOLDER PROJECT NODE
# FOLDER has units/, drop-ins/, etc/, shared/ and model.gguf.
set -eu

if [ "${1-}" != inside ]; then
  folder=$1
  # Where the machine has the older hierarchies too, this one is without controllers.
  mkdir -p "$folder/cgroup" "$folder/disk"
  mount -t cgroup2 cgroup2 "$folder/cgroup"
  mkdir -p "$folder/cgroup/$(basename "$folder")"
  echo $$ > "$folder/cgroup/$(basename "$folder")/cgroup.procs"
  exec unshare --pid --fork --kill-child --uts --ipc --cgroup --mount "$0" inside "$@"
fi
shift
folder=$1 project=$2 node=$3

mount -t tmpfs tmpfs "$folder/disk"
mkdir "$folder/disk/upper" "$folder/disk/work" "$folder/disk/root"
layers="lowerdir=/,upperdir=$folder/disk/upper,workdir=$folder/disk/work"
mount -t overlay overlay -o "$layers" "$folder/disk/root"
cd "$folder/disk/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs var/cache
chmod 1777 tmp

# What deploy/systemd/sluice.service names.
mkdir -p srv/sluice/node_modules/{.bin,sluice} srv/models srv/shared etc/sluice
mkdir -p usr/lib/own-units etc/systemd/system/sluice.service.d
ln -s ../sluice/dist/cli/main.cjs srv/sluice/node_modules/.bin/sluice
touch srv/models/model.gguf usr/local/bin/node
mount --bind "$project" srv/sluice/node_modules/sluice
mount --bind "$folder/model.gguf" srv/models/model.gguf
mount --bind "$folder/etc" etc/sluice
mount --bind "$folder/units" usr/lib/own-units
mount --bind "$folder/drop-ins" etc/systemd/system/sluice.service.d
mount --bind "$folder/shared" srv/shared
mount --bind "$node" usr/local/bin/node
cp "$project/deploy/systemd/sluice.service" etc/systemd/system/
echo 'sluice:x:61234:61234::/nonexistent:/usr/sbin/nologin' >> etc/passwd
echo 'sluice:x:61234:' >> etc/group

mkdir old
pivot_root . old
umount -l old
# Of this machine's own units there is none.
exec env -i container=sluice-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
  SYSTEMD_UNIT_PATH=/etc/systemd/system:/usr/lib/own-units \
  /lib/systemd/systemd --system --unit=multi-user.target --show-status=no
