#!/usr/bin/env bash
# Three masters on one machine, an etcd that they share, and an agent. While a task runs, the leader is
# killed as `kill -9` does, and another one leads. Everything is ended and removed at the end.
#
#   demo/failover.sh
#
# It wants the program built (cargo build --release) and takes half a minute.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
stoa="${CARGO_TARGET_DIR:-$root/target}/release/stoa"
[ -x "$stoa" ] || { echo "demo: there is no $stoa: cargo build --release" >&2; exit 1; }
command -v python3 >/dev/null || { echo "demo: python3 is missing, which chooses free ports" >&2; exit 1; }
etcd=$("$root/tests/harness/etcd.sh")
place=$(mktemp -d)
started=()

# The executor hosts outlive their agent, so they are ended by the process that is noted with them.
end() {
    local pid host
    for pid in "${started[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
    for host in "$place"/agent/hosts/*/process; do
        [ ! -f "$host" ] || kill -9 "$(cut -d' ' -f1 "$host")" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$place"
}
trap end EXIT

# begin NAME PROGRAM ARGUMENT...: a process whose output goes to a file of that name.
begin() {
    local name=$1
    shift
    "$@" >"$place/$name.out" 2>"$place/$name.err" &
    started+=($!)
    disown
}

# ports COUNT: ports that are free now, one a line.
ports() {
    python3 - "$1" <<'PYTHON'
import socket, sys
sockets = [socket.socket() for _ in range(int(sys.argv[1]))]
for it in sockets:
    it.bind(("127.0.0.1", 0))
    print(it.getsockname()[1])
PYTHON
}

# wait_for WHAT COMMAND...: until the command succeeds.
wait_for() {
    local what=$1 tries
    shift
    for tries in $(seq 300); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    echo "demo: waited in vain for $what; see $place" >&2
    trap - EXIT
    exit 1
}

mapfile -t port < <(ports 5)
client="127.0.0.1:${port[0]}" peer="127.0.0.1:${port[1]}"
begin etcd "$etcd" --name one --data-dir "$place/etcd" --logger zap --log-level error \
    --listen-client-urls "http://$client" --advertise-client-urls "http://$client" \
    --listen-peer-urls "http://$peer" --initial-advertise-peer-urls "http://$peer" \
    --initial-cluster "one=http://$peer"
masters=()
for number in 2 3 4; do
    address="127.0.0.1:${port[$number]}"
    masters+=("$address")
    begin "master-$number" "$stoa" master --listen "$address" --state "$place/master-$number" \
        --store "etcd://$client/demo" --leader-lease 3s
done
STOA_MASTER=$(IFS=,; echo "${masters[*]}")
export STOA_MASTER
wait_for "a leader" "$stoa" master status
begin agent "$stoa" agent --state "$place/agent"
wait_for "the agent" grep -q registered "$place/agent.out"

echo "== three masters, of which one leads"
"$stoa" master status
task=$("$stoa" run --detach --name ticker "$root/sample-tasks/ticker.wasm" 0.1)
wait_for "the task" sh -c "'$stoa' ps | grep -q RUNNING"
leader=$("$stoa" master status | awk '$2 == "leader" { print $1 }')
for at in 0 1 2; do
    [ "${masters[$at]}" != "$leader" ] || victim=${started[$((at + 1))]}
done
echo "== the leader at $leader is killed; a task is run at once, and waits for the next leader"
before=$(date +%s%N)
kill -9 "$victim"
"$stoa" run "$root/sample-tasks/hello.wasm"
echo "== it took $((($(date +%s%N) - before) / 1000000)) ms"
wait_for "the task" sh -c "'$stoa' ps | grep -q RUNNING"
"$stoa" master status
echo "== the task that ran all the time"
"$stoa" ps
"$stoa" logs "$task" | tail -n 1
