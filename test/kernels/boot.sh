#!/usr/bin/env bash
# Boots a Debian kernel under emulation and runs flowprobe in it: does its verifier accept the programs, do they
# attach, do they count? For kernels other than the running one; takes about a minute.
#
#   test/kernels/boot.sh [PACKAGE [RELEASE]]     a kernel image package of Debian; its plain amd64 kernel if not given
#
# With RELEASE the package is that of another release of Debian, for example linux-image-5.10.0-32-amd64 bullseye.
# Needs (Debian): qemu-system-x86 busybox-static cpio, and the probe built. Leaves nothing behind.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
probe=$root/bpf-probe/build/flowprobe
release=${2:-}
package=${1:-$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ { print $2; exit }')}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for program in qemu-system-x86_64 busybox cpio; do
	command -v "$program" >/dev/null || { echo "missing $program: apt-get install qemu-system-x86 busybox-static cpio" >&2; exit 2; }
done
[ -x "$probe" ] || { echo "missing $probe: make -C bpf-probe" >&2; exit 2; }

chmod 755 "$work" && cd "$work"
# Another release's packages are looked up in a place of their own; the machine's apt is left as it is.
if [ -n "$release" ]; then
	mkdir -p apt/lists/partial apt/archives/partial
	keys=/usr/share/keyrings/debian-archive-keyring.gpg
	mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v -- -security | sort -u | head -n 1)
	echo "deb [signed-by=$keys] $mirror $release main" >apt/sources.list
	apt=(-o "Dir::Etc::sourcelist=$work/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
		-o "Dir::State::lists=$work/apt/lists" -o "Dir::Cache=$work/apt" -o APT::Sandbox::User=root)
	apt-get "${apt[@]}" update -qq
fi
apt-get ${release:+"${apt[@]}"} download -qq "$package" 2>/dev/null
dpkg-deb -x ./*.deb kernel
modules=$(echo kernel/lib/modules/*/kernel)

mkdir -p disk/{bin,sbin,lib64,proc,sys,dev,tmp,run,modules}
cp "$(command -v busybox)" disk/bin/busybox
for program in sh mount insmod sleep ping kill base64 poweroff; do ln -s busybox "disk/bin/$program"; done
cp "$probe" "$(readlink -f "$(command -v ip)")" disk/sbin/
# Every shared library that the two programs name, at the path that they name.
ldd "$probe" disk/sbin/ip | grep -o '/lib[^ :]*' | sort -u | while read -r library; do
	mkdir -p "disk/$(dirname "$library")" && cp -L "$library" "disk/$library"
done
for module in crypto/crc32c_generic lib/libcrc32c net/ipv4/netfilter/nf_defrag_ipv4 net/ipv6/netfilter/nf_defrag_ipv6 \
	net/netfilter/nf_conntrack drivers/net/veth net/sched/sch_ingress net/sched/cls_bpf; do
	# Some kernels have one built in.
	file=$(ls "$modules/$module".ko* 2>/dev/null) || continue
	case $file in
	*.xz) xz -dc "$file" >"disk/modules/${module##*/}.ko" ;;
	*) cp "$file" disk/modules/ ;;
	esac
	echo "insmod /modules/${module##*/}.ko"
done >modules.sh

cat >disk/init <<INIT
#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run
mount -t debugfs debug /sys/kernel/debug; mount -t tracefs trace /sys/kernel/tracing; mount -t cgroup2 cgroup /sys/fs/cgroup
$(cat modules.sh)
/sbin/ip netns add pod
/sbin/ip link add pod1 type veth peer name eth0 netns pod
/sbin/ip addr add 192.0.2.1/24 dev pod1; /sbin/ip link set pod1 up
/sbin/ip -n pod addr add 192.0.2.2/24 dev eth0; /sbin/ip -n pod link set eth0 up
/sbin/flowprobe --check
/sbin/flowprobe --interface pod1 --window-ms 60000 >/tmp/frames &
# Under emulation the verifier takes a while.
while [ ! -s /tmp/frames ] && kill -0 \$!; do sleep 1; done
ping -q -c 3 192.0.2.2
kill -INT \$!; wait \$!
echo "flowprobe ended with code \$?"
echo "frames begin"; base64 /tmp/frames; echo "frames end"
poweroff -f
INIT
chmod +x disk/init
(cd disk && find . | cpio --quiet -o -H newc | gzip -1) >disk.gz

timeout 300 qemu-system-x86_64 -m 1024 -nographic -no-reboot -nic none -kernel kernel/boot/vmlinuz-* -initrd disk.gz \
	-append 'console=ttyS0 panic=1 quiet' </dev/null | tr -d '\r' >console

sed -n '/kernel  *[0-9]/,/frames begin/p' console | grep -v 'frames begin'
sed -n '/^frames begin/,/^frames end/p' console | grep -v '^frames' | base64 -d >frames
cd "$root" && node test/dist/kernels/flows-of.js "$work/frames"
