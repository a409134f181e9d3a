#!/bin/sh
# Versions: g++ 11.3.0 and 12.2.0, clang 14.0.6, of Debian 12 (amd64), whose packages this unpacks.
#
# AMX's ldtilecfg reads 64 bytes of memory: the sizes of eight tiles. GCC's own header says in
# _tile_loadconfig (immintrin.h) that 8 of them are read. From -O2 on these two releases therefore
# drop stores that fill the rest, as nobody seems to read them: neither the rows (bytes 48 to 55)
# nor the bytes per row (16 to 31) of any tile are written, and the instruction is given what was on
# the stack before. On a machine with AMX it faults or takes wrong sizes. clang 14 keeps all stores.
# An empty asm statement that reads memory, in front of the call, keeps them with GCC too.
# Nothing is executed here: the assembly says which bytes are written.
#
# Seen on 2026-11-28:
#   g++-11 -O2 writes 16 of 64 bytes
#   g++-11 -O3 writes 16 of 64 bytes
#   g++-11 -O2 -DTOLD writes 64 of 64 bytes
#   g++-12 -O2 writes 33 of 64 bytes
#   g++-12 -O3 writes 33 of 64 bytes
#   g++-12 -O2 -DTOLD writes 64 of 64 bytes
#   clang++-14 -O2 writes 64 of 64 bytes
#   clang++-14 -O3 writes 64 of 64 bytes
set -eu
cd "$(mktemp -d)"
trap 'rm -rf "$PWD"' EXIT
cat > configure.cpp <<'END'
#include <immintrin.h>

struct Configuration {
  unsigned char palette, start_row, reserved[14];
  unsigned short bytes_per_row[16];
  unsigned char rows[16];
};

void configure() {
  Configuration configuration = {};
  configuration.palette = 1;
  for (int tile = 0; tile < 8; ++tile) {
    configuration.rows[tile] = 16;
    configuration.bytes_per_row[tile] = 64;
  }
#ifdef TOLD
  asm volatile("" : : "r"(&configuration) : "memory");
#endif
  _tile_loadconfig(&configuration);
}
END
# Straight code: the stores to the register that ldtilecfg is given, by their sizes.
cat > written.pl <<'END'
my %size = (movb => 1, movw => 2, movl => 4, movq => 8);
my (@stores, $place, $line);
while (<>) {
  last if /^\s+ldtilecfg\s+(-?\d*)\((%\w+)\)/ && ($place = [$1 || 0, $2]);
  die "not straight: $_" if /^\s+(j|call)/;
  /^\s+(v?mov\w+)\s+(\S+), (-?\d*)\((%\w+)\)/ or next;
  my ($name, $from, $offset, $base) = ($1, $2, $3 || 0, $4);
  my $wide = $from =~ /^%zmm/ ? 64 : $from =~ /^%ymm/ ? 32 : $from =~ /^%xmm/ ? 16 : 0;
  push @stores, [$offset, $base, $wide || $size{$name} || die "unknown: $_"];
}
$place or die "no ldtilecfg\n";
my %written;
for (@stores) {
  my ($offset, $base, $size) = @$_;
  next if $base ne $place->[1];
  $written{$_ - $place->[0]} = 1 for $offset .. $offset + $size - 1;
}
print scalar(grep { $_ >= 0 && $_ < 64 } keys %written), " of 64 bytes\n";
END
packages='g++-11=11.3.0-12 libgcc-11-dev=11.3.0-12
  g++-12=12.2.0-14+deb12u1 libgcc-12-dev=12.2.0-14+deb12u1
  clang-14=1:14.0.6-12 libclang-cpp14=1:14.0.6-12 libllvm14=1:14.0.6-12
  libclang-common-14-dev=1:14.0.6-12 libmpc3 libmpfr6 libgmp10 libisl23 libzstd1 zlib1g
  libbsd0 libmd0 libedit2 libffi8 libicu72 libxml2 libz3-4 liblzma5 libtinfo6 libstdc++6 libgcc-s1'
# shellcheck disable=SC2086 # one word each
apt-get download -qq $packages > apt.txt 2>&1 || { cat apt.txt >&2; exit 1; }
for package in *.deb; do dpkg -x "$package" .; done
export LD_LIBRARY_PATH="$PWD/usr/lib/x86_64-linux-gnu:$PWD/lib/x86_64-linux-gnu"
# The headers of no C library are needed.
without='-D_MM_MALLOC_H_INCLUDED -D__MM_MALLOC_H'
while read -r compiler options; do
  # shellcheck disable=SC2086
  "usr/bin/$compiler" $options $without -march=sapphirerapids -S configure.cpp -o configure.s
  echo "$compiler $options writes $(perl written.pl configure.s)"
done > seen.txt <<'END'
g++-11 -O2
g++-11 -O3
g++-11 -O2 -DTOLD
g++-12 -O2
g++-12 -O3
g++-12 -O2 -DTOLD
clang++-14 -O2
clang++-14 -O3
END
cat seen.txt
cat > expected.txt <<'END'
g++-11 -O2 writes 16 of 64 bytes
g++-11 -O3 writes 16 of 64 bytes
g++-11 -O2 -DTOLD writes 64 of 64 bytes
g++-12 -O2 writes 33 of 64 bytes
g++-12 -O3 writes 33 of 64 bytes
g++-12 -O2 -DTOLD writes 64 of 64 bytes
clang++-14 -O2 writes 64 of 64 bytes
clang++-14 -O3 writes 64 of 64 bytes
END
cmp seen.txt expected.txt
