#!/bin/sh
# In front of a small echo server; tests/drivers has the heavier scenarios.
exec "$OW_SOURCE/tests/drivers/tcp_proxy.sh" echo
