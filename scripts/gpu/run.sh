#!/usr/bin/env bash
# Builds, tests and measures Sluice on a machine with an NVIDIA GPU, from what `npm run gpu:pack`
# packed. It needs no network and nothing but a CUDA toolkit with cuBLAS, CMake and a C++ compiler,
# and says which of them is missing.
#
#   bash scripts/gpu/run.sh [check|build|test|bench|report ...]     all of them, without a name
#
# Each step ends within STEP_SECONDS (540); exit code 75 says that it is not done: run the same
# again, and it goes on where it was. SLUICE_BACKEND=cpu rehearses where there is no GPU. What was
# found is in gpu-results/, and in $OUT where that is set.
set -u
cd "$(dirname "$0")/../.." || exit 1

export SLUICE_BACKEND=${SLUICE_BACKEND:-cuda} PATH=$PWD/bin:$PATH
export LLAMA_CPP_DIR=$PWD/deps/llama.cpp # as it is: nothing is fetched
export SLUICE_BENCH_DIR=$PWD/bench-cache
step_seconds=${STEP_SECONDS:-540}
results=$PWD/gpu-results
mkdir -p "$results"

say() { echo "gpu: $*"; }

# Runs a command until the step's time is over, and notes how it went.
limited() {
  local left=$((step_ends - $(date +%s)))
  [ "$left" -gt 5 ] || return 75
  timeout --kill-after=10 "$left" "$@"
  local status=$?
  [ $status -eq 124 ] && return 75
  return $status
}

first_of() { local file; for file in "$@"; do [ -e "$file" ] && echo "$file" && return; done; }

find_cublas() {
  local nvcc toolkit
  nvcc=$(command -v nvcc || first_of /usr/local/cuda/bin/nvcc)
  [ -n "$nvcc" ] && export CUDACXX=$nvcc
  toolkit=$(dirname "$(dirname "$(readlink -f "${nvcc:-/}")")")
  # A toolkit of Python packages keeps cuBLAS in a folder of its own.
  cublas_header=$(find "$toolkit" /usr/local/cuda*/ /usr/include $(python_folders) \
    -maxdepth 6 -name cublas_v2.h 2>/dev/null | head -1)
  cublas_library=$(find "$toolkit" /usr/local/cuda*/ /usr/lib $(python_folders) \
    -maxdepth 6 -name 'libcublas.so*' 2>/dev/null | head -1)
}

python_folders() { python3 -c 'import site; print(*site.getsitepackages())' 2>/dev/null; }

check() {
  local missing=() tool
  for tool in cmake c++ tar; do command -v $tool >/dev/null || missing+=("$tool"); done
  command -v ninja >/dev/null || command -v make >/dev/null || missing+=('ninja or make')
  if [ "$SLUICE_BACKEND" = cuda ]; then
    find_cublas
    [ -n "${CUDACXX:-}" ] || missing+=(nvcc)
    [ -n "$cublas_header" ] || missing+=(cublas_v2.h)
    [ -n "$cublas_library" ] || missing+=(libcublas.so)
    command -v nvidia-smi >/dev/null || missing+=('nvidia-smi, so a driver')
  fi
  facts | tee "$results/facts.txt"
  [ ${#missing[@]} -eq 0 ] && return
  say "missing: $(printf '%s; ' "${missing[@]}")"
  return 1
}

facts() {
  echo "date: $(date -u +%F)"
  echo "machine: $(uname -srm), $(nproc) cores, $(free -g | awk '/^Mem/ {print $2}') GiB"
  echo "processor: $(awk -F': ' '/^model name/ {print $2; exit}' /proc/cpuinfo)"
  nvidia-smi --query-gpu=name,driver_version,memory.total,compute_cap --format=csv,noheader \
    2>/dev/null | sed 's/^/gpu: /'
  "${CUDACXX:-nvcc}" --version 2>/dev/null | sed -n 's/^Cuda compilation.*release/nvcc:/p'
  echo "cublas: ${cublas_library:-none}"
  echo "cmake: $(cmake --version 2>/dev/null | head -1); c++: $(c++ --version 2>/dev/null | head -1)"
  echo "node: $(node --version)"
  node -p "const {release, commit} = require('./deps/llama.lock.json')
    'llama.cpp: ' + release + ', ' + commit"
  echo "backend: $SLUICE_BACKEND"
}

# Options for CMake, one a line.
cmake_options() {
  echo -DSLUICE_LLAMA_SERVER=ON
  [ "$SLUICE_BACKEND" = cuda ] || return 0
  find_cublas
  local architecture folder=$PWD/build/cublas
  architecture=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -1 | tr -d .)
  echo "-DCMAKE_CUDA_ARCHITECTURES=${architecture:-native}"
  echo "-DCMAKE_CUDA_COMPILER=$CUDACXX"
  # Packages of Python's have libraries without the name that the linker looks for.
  mkdir -p "$folder"
  local name library
  for name in cublas cublasLt; do
    library=$(first_of "$(dirname "$cublas_library")/lib$name.so"*)
    ln -sf "$library" "$folder/lib$name.so"
    echo "-DCUDA_${name}_LIBRARY=$folder/lib$name.so"
  done
  echo "-DCMAKE_CUDA_FLAGS=-I$(dirname "$cublas_header")"
  # Without the driver's library to link with, ggml leaves its pool of virtual memory out.
  ldconfig -p | grep -q 'libcuda\.so' || echo -DGGML_CUDA_NO_VMM=ON
}

build() {
  local options status
  mapfile -t options < <(cmake_options)
  limited node scripts/build-native.mjs "--$SLUICE_BACKEND" --tests "${options[@]}" \
    >>"$results/build.log" 2>&1
  status=$?
  [ $status -eq 0 ] || { tail -25 "$results/build.log"; return $status; }
  limited cmake --build "$(build_folder)" -j "$(nproc)" -t llama-server llama-batched-bench \
    >>"$results/build.log" 2>&1
  status=$?
  [ $status -eq 0 ] || { tail -25 "$results/build.log"; return $status; }
  ls -la build/Release/sluice.node "$(build_folder)/bin/llama-server"
}

build_folder() { ls -td build-cmake/"$SLUICE_BACKEND"-* | head -1; }

# All failures are kept: that some differ on a GPU is a finding, not the end.
test_() {
  limited build/Release/sluice-native-tests >"$results/native-tests.log" 2>&1
  note native-tests $?
  limited build/Release/sluice-llama-tests >"$results/llama-tests.log" 2>&1
  note llama-tests $?
  local file name
  for file in test/lifecycle/*.test.ts test/e2e/engine/*.test.ts test/e2e/engine/*/*.test.ts \
    test/e2e/http/*.test.ts; do
    [ -e "$file" ] || continue
    name=$(basename "$(dirname "$file")")-$(basename "$file" .test.ts)
    grep -q "^$name " "$results/tests.txt" 2>/dev/null && continue
    limited node node_modules/vitest/vitest.mjs run --project 'p*' "$file" \
      >"$results/$name.log" 2>&1
    local status=$?
    [ $status -eq 75 ] && return 75
    note "$name" $status "$(sed 's/\x1b\[[0-9;]*m//g' "$results/$name.log" | grep '^ *Tests ')"
  done
  cat "$results/tests.txt"
}

note() {
  local line="$1 exit code $2 ${3:-}"
  sed -i "/^$1 /d" "$results/tests.txt" 2>/dev/null
  echo "$line" >>"$results/tests.txt"
}

bench() {
  export SLUICE_LLAMA_BIN=$PWD/$(build_folder)/bin
  local name model
  for name in throughput:small throughput:big cancellation:small; do
    grep -q "^$name$" "$results/bench-done.txt" 2>/dev/null && continue
    model=${name#*:}
    limited node -e "import('./build/bench/bench/main.js').then(({ main }) =>
        main(process.argv.slice(1)))" -- --case "${name%:*}" --model "$model" \
      --rounds "${BENCH_ROUNDS:-2}" ${BENCH_FLAGS:-} --json "$results/bench.json" \
      2>&1 | tee -a "$results/bench.log"
    local status=${PIPESTATUS[0]}
    [ "$status" -eq 0 ] || return "$status"
    echo "$name" >>"$results/bench-done.txt"
  done
}

report() {
  {
    echo '## Facts'; echo; sed 's/^/- /' "$results/facts.txt"
    echo; echo '## Tests'; echo; sed 's/^/- /' "$results/tests.txt" 2>/dev/null
    echo; echo '## Bench'; echo; echo '```'; cat "$results/bench.log" 2>/dev/null; echo '```'
  } >"$results/report.md"
  tar -czf "$results/all.tgz" -C "$results" --exclude=all.tgz .
  if [ -n "${OUT:-}" ]; then cp "$results"/{report.md,all.tgz} "$OUT"; fi
  say "$results/report.md"
}

for step in ${*:-check build test bench report}; do
  step_ends=$(($(date +%s) + step_seconds))
  say "$step"
  case $step in
    check | build | bench | report) $step ;;
    test) test_ ;;
    *) say "no step is called $step; the first lines of this script name them"; exit 2 ;;
  esac
  status=$?
  [ $status -eq 75 ] && say "$step is not done in $step_seconds s: run the same again"
  [ $status -eq 0 ] || { [ "$step" = check ] || report; exit $status; }
done
