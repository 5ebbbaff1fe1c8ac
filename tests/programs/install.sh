#!/bin/sh
# An installation elsewhere: a driver and an embedding program built with it alone, through CMake
# and through pkg-config.
. "$(dirname "$0")/lib.sh"
prefix=$work/prefix
here=$OW_SOURCE/tests/programs

expect 0 cmake --install "$OW_BUILD" --prefix "$prefix"
# Moved, because nothing may depend on where it was installed first.
mv "$prefix" "$work/moved"
prefix=$work/moved
PATH=$prefix/bin:$PATH

wskcc -o "$work/pt-device.so" "$here/drivers/pt-device.c"
expect 0 wskrun --for 0 "$work/pt-device.so"

expect 0 cmake -S "$here/install" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" \
    -DTESTS="$here"
expect 0 cmake --build "$work/build"
expect 0 "$work/build/embed" "$work/build/pt-device.so"

config=$(find "$prefix" -name openwsk.pc -printf '%h')
flags=$(PKG_CONFIG_PATH=$config pkg-config --cflags --libs openwsk)
# shellcheck disable=SC2086  # a list of words
"$CC" -o "$work/embed" "$here/embed.c" $flags
library=$(PKG_CONFIG_PATH=$config pkg-config --variable=libdir openwsk)
expect 0 env LD_LIBRARY_PATH="$library" "$work/embed" "$work/pt-device.so"
