#!/bin/sh
# fuzz/run.sh SECONDS: fuzzes the parsers of packets and of payloads, and the code for capture files, for SECONDS each,
# then, as root, the loaded kernel programs. Failing inputs are left in the build folder.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-600}
build=${BUILD:-build}
make -s BUILD="$build" fuzz
for reader in packet payload replay; do
	mkdir -p "$build/corpus-$reader"
	echo "fuzz: $reader, $seconds s"
	"$build/fuzz_$reader" -max_total_time="$seconds" -max_len=2048 -verbosity=0 -print_final_stats=1 \
		-artifact_prefix="$build/fuzz-$reader-" "$build/corpus-$reader" 2>&1 |
		tee "$build/fuzz-$reader.log" | grep -E 'number_of_executed_units|ERROR|SUMMARY|Assertion|runtime error' || true
	if grep -qE 'ERROR|SUMMARY|runtime error' "$build/fuzz-$reader.log"; then exit 1; fi
done
if [ "$(id -u)" = 0 ]; then
	echo "fuzz: loaded kernel programs, $seconds s"
	"$build/fuzz_test_run" "$seconds"
else
	echo "fuzz: skipped the loaded kernel programs: requires root"
fi
