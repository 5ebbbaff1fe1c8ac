#!/bin/sh
# netns.sh COMMAND [ARGUMENT...] DRIVER: runs a command in a network namespace of its own, for netns_*.c;
# 77 where that is not possible. netns_names.c also gets a resolver that asks nobody.
command -v ip >/dev/null && command -v unshare >/dev/null && [ "$(id -u)" = 0 ] || exit 77
unshare -n -m true 2>/dev/null || exit 77
for driver; do :; done
export driver
exec unshare -n -m sh -c '
ip link set lo up &&
    ip link add name many index 77 type veth peer name other && ip link set many up && ip link set other up &&
    ip address add fd77::1/64 dev many nodad &&
    ip route add unreachable 198.51.100.0/24 &&
    ip route add prohibit 203.0.113.0/24 || exit 77
case $driver in
*/netns_names*)
    list=$(mktemp)
    echo "hosts: files" >"$list"
    mount --bind "$list" /etc/nsswitch.conf || exit 77
    ;;
esac
while :; do
    ip address add 127.9.9.9/32 dev lo
    sleep 0.1
    ip address delete 127.9.9.9/32 dev lo
    sleep 0.1
done &
toggle=$!
"$@"
status=$?
kill $toggle
[ -z "$list" ] || rm -f "$list"
exit $status' sh "$@"
