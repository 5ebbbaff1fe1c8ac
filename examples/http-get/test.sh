#!/bin/sh
# One page from a small server, found by name; tests/drivers has the cases that fail.
exec "$OW_SOURCE/tests/drivers/http_get.sh" name
