#!/bin/sh
# Unloads that do not end, and drivers that cannot be unloaded.
. "$(dirname "$0")/lib.sh"

start=$(date +%s)
expect 4 wskrun --for 0 --unload-timeout 0.2 "$(driver pt-stuck)"
says 'it waits for:'
says 'did not end within 0.2 seconds; .* more time with --unload-timeout$'
[ $(($(date +%s) - start)) -lt 30 ] || fail "--unload-timeout was not kept"

# After 5 seconds it says what it waits for, before the end.
expect 4 wskrun --for 0 --unload-timeout 5.5 "$(driver pt-stuck)"
says 'has not unloaded after 5 seconds'
says '1 pool allocation'

# So does WskDeregister, which never gives up (proves D71).
expect 4 wskrun --for 0 --unload-timeout 6 "$(driver pt-capture)"
says 'WskDeregister waits for 1 captured provider NPI: WskReleaseProviderNPI was not called'
says 'did not end within 6.0 seconds'

# A second signal stops at once.
rm "$out"
wskrun --unload-timeout 100 "$(driver pt-stuck)" >"$out" 2>&1 &
pid=$!
while ! grep -qs 'pt-stuck: loaded' "$out"; do sleep 0.01; done
kill -TERM $pid
while ! grep -qs 'pt-stuck: unloading' "$out"; do sleep 0.01; done
kill -TERM $pid
status=0
wait $pid || status=$?
[ $status -eq 4 ] || fail "status $status after two signals"
says 'stopped at once'

expect 0 wskrun --for 0 "$(driver pt-nounload)"
says 'no DriverUnload'
