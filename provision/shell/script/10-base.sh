#!/bin/sh
# raiz's side on the server: one script, no daemon.
#
#   probe              answers every fact that was asked for, changes nothing
#   status             answers for the transaction alone
#   apply BUNDLE SUM S takes a new generation in and activates it
#   rollback N S       makes generation N the new one, and activates it
#   confirm N UNIT...  keeps generation N and disarms the way back
#   revert N REASON    puts back what stood before generation N
#   boot               reverts a generation that was never confirmed
#   history            lists the generations
#
# A generation goes through these states, kept in generations/N/state:
#
#   staged -> armed -> active -> confirmed
#      |        |        |
#   refused  reverting  reverting -> reverted
#
# "pending" names the one generation that is armed, active or reverting: while it
# is there, a timer and the next boot both lead back. Each step is flushed before
# the next one starts, so that a power cut at any instant leaves a state from
# which the way back is found.
#
# POSIX sh: tested under dash and busybox.

set -u
umask 077
LC_ALL=C
export LC_ALL
PATH=${RAIZ_TOOLS:+$RAIZ_TOOLS:}/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

home=${RAIZ_HOME:-/var/lib/raiz}
# Tests run the script on a directory in place of the root file system.
root=${RAIZ_ROOT:-}
units=${root}/etc/systemd/system
keep=${RAIZ_KEEP:-10}
# Of "address port address port" only the first counts; sudo may hide it.
who=${SSH_CONNECTION:-here}
who="${RAIZ_WHO:-unknown} from ${who%% *}"

say() { printf '%s\n' "$*"; }
now() { date -u +%Y-%m-%dT%H:%M:%SZ; }

note() {
	[ ! -d "$home" ] || printf '%s %s\n' "$(now)" "$*" >>"$home/log" 2>/dev/null
	return 0
}

die() {
	say "error $*"
	note "error: $*"
	exit 1
}

# flush: what was written is on the disk. Only the file systems that raiz
# writes to: those of others may take minutes.
flush() { sync -f "$home" "$root/etc" "$root/usr" 2>/dev/null || sync; }

# put_text FILE TEXT: the whole text or the old one, never half.
put_text() {
	printf '%s\n' "$2" >"$1.new" && flush && mv -f "$1.new" "$1" && flush
}

# take_lock SECONDS: held until this shell ends; what it runs for others does
# not inherit it, or a daemon started that way would hold it for ever. busybox's flock knows no waiting, so it is asked again.
take_lock() {
	mkdir -p "$home/generations" || die "cannot make $home"
	exec 9>>"$home/lock"
	tries=$(($1 * 5))
	until flock -n 9; do
		[ "$tries" -gt 0 ] || die "locked by $(cat "$home/lock.owner" 2>/dev/null || echo somebody)"
		tries=$((tries - 1))
		sleep 0.2
	done
	printf '%s\n' "$who since $(now)" >"$home/lock.owner" 2>/dev/null
	return 0
}

drop_lock() { exec 9>&-; }

sum_of() { sha256sum <"$1" | cut -d' ' -f1; }

pending() { cat "$home/pending" 2>/dev/null; }
current() { cat "$home/current" 2>/dev/null; }
state_of() { cat "$home/generations/$1/state" 2>/dev/null || echo none; }
owner_of() { cat "$home/generations/$1/who" 2>/dev/null; }

# numbers: the generations there are, lowest first.
numbers() {
	for d in "$home"/generations/[0-9]*; do
		[ ! -d "$d" ] || say "${d##*/}"
	done | sort -n
}

# managed G: what generation G writes or removes, in manifest order.
managed() { awk '$1 == "put" { print $6 } $1 == "del" { print $2 }' "$1/manifest"; }

section() { say "== $1"; }
raw() { sed 's/^/ /'; }
