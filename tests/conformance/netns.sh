#!/bin/sh
# netns.sh COMMAND [ARGUMENT...] DRIVER: runs a command in a network namespace of its own, for netns_*.c;
# 77 where that is not possible. netns_names.c also gets a resolver that asks nobody, netns_ports.c few
# ports, and netns_lost.c somebody who destroys its sockets.
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
disturb() {
    ip address add 127.9.9.9/32 dev lo
    sleep 0.1
    ip address delete 127.9.9.9/32 dev lo
    sleep 0.1
}
case $driver in
*/netns_names*)
    list=$(mktemp)
    echo "hosts: files" >"$list"
    mount --bind "$list" /etc/nsswitch.conf || exit 77
    ;;
*/netns_ports*) echo "41000 41003" 2>/dev/null >/proc/sys/net/ipv4/ip_local_port_range || exit 77 ;;
*/netns_lost*)
    # A kernel may lack the means: a datagram socket is the probe.
    bash -c "exec 3>/dev/udp/127.0.0.1/9; ss -K -n -H -u dport = :9" 2>&1 | grep -q "127.0.0.1:9" || exit 77
    disturb() {
        ss -K -t -l sport = :7001 >/dev/null
        ss -K -t state established sport = :7002 >/dev/null
        sleep 0.1
    }
    ;;
esac
while :; do disturb; done &
toggle=$!
"$@"
status=$?
kill $toggle
[ -z "$list" ] || rm -f "$list"
exit $status' sh "$@"
