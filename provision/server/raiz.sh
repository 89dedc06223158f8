#!/bin/sh
# raiz's side on the server: one script, five verbs, no daemon.
#
#   probe             answers every fact that was asked for, changes nothing
#   stage BUNDLE SUM  takes a new generation in; nothing takes effect
#   activate N SECS   snapshot, check, arm the way back, then put it in place
#   confirm N         keeps generation N and disarms the way back
#   revert N REASON   puts back what stood before generation N
#   boot              reverts a generation that was never confirmed
#
# A generation goes through these states, kept in generations/N/state:
#   staged -> armed -> active -> confirmed
#                \-------\----> reverted
# "pending" names the one generation that is armed or active. Each step is
# flushed before the next one starts, so that a power cut at any instant
# leaves a state from which boot or the timer finds the way back.
#
# POSIX sh: tested under dash and busybox.

set -u
umask 077
LC_ALL=C
export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

home=${RAIZ_HOME:-/var/lib/raiz}
# Tests run the script on a directory in place of the root file system.
root=${RAIZ_ROOT:-}
units=${root}/etc/systemd/system
keep=10

say() { printf '%s\n' "$*"; }
note() {
	[ -d "$home" ] && printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >>"$home/log"
	return 0
}
die() {
	say "error $*"
	note "error: $*"
	exit 1
}

flush() { sync; }

# put_text FILE TEXT: the whole text or the old one, never half.
put_text() {
	printf '%s\n' "$2" >"$1.new" && flush && mv -f "$1.new" "$1" && flush
}

# take_lock SECONDS: busybox's flock knows no waiting, so it is asked again.
take_lock() {
	mkdir -p "$home/generations" || die "cannot make $home"
	exec 9>>"$home/lock"
	tries=$(($1 * 5))
	until flock -n 9; do
		[ "$tries" -gt 0 ] || die "locked by $(cat "$home/lock.owner" 2>/dev/null || echo somebody)"
		tries=$((tries - 1))
		sleep 0.2
	done
	put_text "$home/lock.owner" "${RAIZ_WHO:-unknown} since $(date -u +%Y-%m-%dT%H:%M:%SZ)"
}

sum_of() { sha256sum <"$1" | cut -d' ' -f1; }

pending() { cat "$home/pending" 2>/dev/null; }
current() { cat "$home/current" 2>/dev/null; }
state_of() { cat "$home/generations/$1/state" 2>/dev/null || echo none; }

# ---------------------------------------------------------------- probe

section() { say "== $1"; }
raw() { sed 's/^/ /'; }

probe_system() {
	section system
	{
		say "hostname $(uname -n)"
		say "boot $(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
		say "now $(date -u +%s)"
		say "uid $(id -u)"
		# shellcheck disable=SC1091
		say "os $( . /etc/os-release 2>/dev/null; say "${ID:-unknown} ${VERSION_ID:-unknown}" )"
	} | raw
}

probe_transaction() {
	section transaction
	[ -d "$home" ] || return 0
	{
		say "current $(current)"
		p=$(pending)
		[ -z "$p" ] || say "pending $p $(state_of "$p") $(cat "$home/generations/$p/who" 2>/dev/null)"
		[ ! -s "$home/reverted" ] || say "reverted $(cat "$home/reverted")"
		c=$(current)
		[ -z "$c" ] || awk '$1 == "put" { print "managed " $6 }' "$home/generations/$c/manifest" 2>/dev/null
	} | raw
}

# probe_files reads "SUM public|secret PATH" lines.
probe_files() {
	section files
	while read -r want secrecy path; do
		[ -n "$path" ] || continue
		f=$root$path
		if [ -L "$f" ]; then
			say "$path link $(readlink "$f")"
		elif [ -f "$f" ]; then
			got=$(sum_of "$f")
			say "$path file $(stat -c '%a %U %G %s %i %Z' "$f") $got"
			if [ "$got" != "$want" ] && [ "$secrecy" = public ] && [ "$(stat -c %s "$f")" -le 262144 ]; then
				say "$path data $(base64 <"$f" | tr -d '\n')"
			fi
		elif [ -e "$f" ]; then
			say "$path other"
		elif [ -d "$(dirname "$f")" ] && [ ! -x "$(dirname "$f")" ]; then
			say "$path denied"
		else
			say "$path absent"
		fi
	done | raw
}

probe_units() {
	section units
	[ $# -eq 0 ] || systemctl show -p Id -p LoadState -p ActiveState -p SubState -p UnitFileState -p NRestarts "$@" 2>&1 | raw
}

probe_packages() {
	section packages
	# dpkg-query fails when one of them is unknown, which is an answer here.
	# shellcheck disable=SC2016
	[ $# -eq 0 ] || dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' "$@" 2>/dev/null | raw
}

probe_network() {
	section addresses
	ip -j address show 2>&1 | raw
}

# probe reads request lines: "file SUM SECRECY PATH", "unit NAME",
# "package NAME".
probe() {
	request=$(cat)
	say "raiz 1"
	probe_system
	probe_transaction
	say "$request" | sed -n 's/^file //p' | probe_files
	# Names hold no white space: raiz refuses to ask for such.
	# shellcheck disable=SC2046
	probe_units $(say "$request" | sed -n 's/^unit //p')
	# shellcheck disable=SC2046
	probe_packages $(say "$request" | sed -n 's/^package //p')
	probe_network
	say "== end"
}

# ---------------------------------------------------------------- stage

# numbers: the generations there are, lowest first.
numbers() {
	for d in "$home"/generations/[0-9]*; do
		[ ! -d "$d" ] || say "${d##*/}"
	done | sort -n
}

next_generation() {
	last=$(numbers | tail -n 1)
	say $((${last:-0} + 1))
}

stage() {
	bundle=$1 want=$2
	take_lock 0
	[ "$(sum_of "$bundle")" = "$want" ] || die "bundle arrived damaged"
	p=$(pending)
	[ -z "$p" ] || die "generation $p is $(state_of "$p"), not confirmed: $(cat "$home/generations/$p/who" 2>/dev/null)"
	n=$(next_generation)
	g=$home/generations/$n
	rm -rf "$home/incoming"
	mkdir -p "$home/incoming" || die "cannot make $home/incoming"
	tar -xf "$bundle" -C "$home/incoming" --no-same-owner || die "cannot unpack the bundle: is $home full?"
	rm -f "$bundle"
	say "${RAIZ_WHO:-unknown}" >"$home/incoming/who"
	say staged >"$home/incoming/state"
	check_sums "$home/incoming" || die "a staged file is not what the manifest says"
	flush
	mv "$home/incoming" "$g" || die "cannot stage generation $n"
	flush
	note "generation $n staged by ${RAIZ_WHO:-unknown}"
	say "generation $n"
}

# check_sums DIR: every file of the manifest is there and whole.
check_sums() {
	while read -r verb _mode _owner _group sum path; do
		[ "$verb" = put ] || continue
		[ "$(sum_of "$1/files$path")" = "$sum" ] || return 1
	done <"$1/manifest"
}

# ---------------------------------------------------------------- activate

# managed_paths G: what generation G writes or removes, in manifest order.
managed_paths() { awk '$1 == "put" { print $6 } $1 == "del" { print $2 }' "$1/manifest"; }

snapshot() {
	g=$1
	rm -rf "$g/before" && mkdir -p "$g/before/files" || return 1
	: >"$g/before/list"
	for path in $(managed_paths "$g"); do
		f=$root$path
		if [ -L "$f" ] || [ -f "$f" ]; then
			mkdir -p "$g/before/files$(dirname "$path")" && cp -pP "$f" "$g/before/files$path" || return 1
			say "had $path" >>"$g/before/list"
		elif [ -e "$f" ]; then
			say "error $path is neither a file nor a link"
			return 1
		else
			say "absent $path" >>"$g/before/list"
		fi
	done
	snapshot_units "$g"
	flush
}

snapshot_units() {
	: >"$1/before/units"
	awk '$1 == "unit" { print $3 }' "$1/manifest" | sort -u | while read -r u; do
		say "$u $(systemctl is-enabled "$u" 2>/dev/null | head -n 1 | grep . || echo absent) $(systemctl is-active "$u" 2>/dev/null | head -n 1 | grep . || echo inactive)" >>"$1/before/units"
	done
}

# rehearse_restore G: shows that every snapshot can be put back, before
# anything is touched: same directory, same file system, same bytes.
rehearse_restore() {
	while read -r what path; do
		[ "$what" = had ] || continue
		f=$root$path
		cp -pP "$1/before/files$path" "$f.raiz-rehearse" || return 1
		if [ -L "$f" ]; then
			[ "$(readlink "$f")" = "$(readlink "$f.raiz-rehearse")" ] || return 1
		else
			cmp -s "$f" "$f.raiz-rehearse" || return 1
		fi
		rm -f "$f.raiz-rehearse"
	done <"$1/before/list"
}

# run_checks G: each check sees a copy in which every managed path points into
# the staged tree, so that files which include one another are checked
# together.
run_checks() {
	g=$1 tree=$1/check
	rm -rf "$tree" && mkdir -p "$tree" || return 1
	: >"$tree.sed"
	awk '$1 == "put" { print length($6), $6 }' "$g/manifest" | sort -rn | while read -r _ path; do
		say "s|$path|$tree$path|g" >>"$tree.sed"
	done
	while read -r verb _ _ _ _ path; do
		[ "$verb" = put ] || continue
		mkdir -p "$tree$(dirname "$path")" || return 1
		sed -f "$tree.sed" "$g/files$path" >"$tree$path" || return 1
	done <"$g/manifest"
	bad=0
	while read -r verb path command; do
		[ "$verb" = check ] || continue
		eval "set -- $command"
		first=$1
		shift
		args=$#
		while [ "$args" -gt 0 ]; do
			a=$1
			shift
			[ "$a" != "{}" ] || a=$tree$path
			set -- "$@" "$a"
			args=$((args - 1))
		done
		if ! out=$("$first" "$@" 2>&1 </dev/null); then
			say "check-failed $path $(say "$out" | sed "s|$tree||g" | tail -n 5 | tr '\n' ' ')"
			bad=1
		fi
	done <"$g/manifest"
	rm -rf "$tree" "$tree.sed"
	return $bad
}

boot_unit() {
	cat <<-UNIT
		[Unit]
		Description=raiz: revert a generation that was never confirmed
		DefaultDependencies=no
		RequiresMountsFor=$home
		After=systemd-remount-fs.service
		Before=network-pre.target systemd-networkd.service nftables.service ssh.service sysinit.target
		Wants=network-pre.target
		ConditionPathExists=$home/pending

		[Service]
		Type=oneshot
		ExecStart=/bin/sh $home/raiz.sh boot

		[Install]
		WantedBy=sysinit.target
	UNIT
}

install_self() {
	cmp -s "$1/raiz.sh" "$home/raiz.sh" || { cp "$1/raiz.sh" "$home/raiz.sh.new" && flush && mv -f "$home/raiz.sh.new" "$home/raiz.sh"; } || return 1
	boot_unit >"$home/boot.unit.new" || return 1
	if ! cmp -s "$home/boot.unit.new" "$units/raiz-boot.service"; then
		cp "$home/boot.unit.new" "$units/raiz-boot.service" && chmod 644 "$units/raiz-boot.service" || return 1
		systemctl daemon-reload && systemctl --quiet enable raiz-boot.service || return 1
	fi
	rm -f "$home/boot.unit.new"
	flush
}

arm() {
	n=$1 seconds=$2
	systemctl --quiet stop raiz-revert.timer raiz-revert.service 2>/dev/null
	systemctl --quiet reset-failed raiz-revert.timer raiz-revert.service 2>/dev/null
	put_text "$home/generations/$n/state" armed && put_text "$home/pending" "$n" || return 1
	# Without its own accuracy a timer of systemd may fire a minute late.
	systemd-run --quiet --unit=raiz-revert --on-active="${seconds}s" --timer-property=AccuracySec=100ms \
		/bin/sh "$home/raiz.sh" revert "$n" "not confirmed within $seconds s"
}

disarm() {
	systemctl --quiet stop raiz-revert.timer 2>/dev/null
	return 0
}

# activate N SECONDS: prepares in this process, where an error costs nothing,
# then hands the rest to a unit of its own that no broken login can end.
activate() {
	n=$1 seconds=$2
	g=$home/generations/$n
	take_lock 5
	[ "$(state_of "$n")" = staged ] || die "generation $n is $(state_of "$n"), not staged"
	snapshot "$g" || die "cannot take a snapshot of what stands"
	rehearse_restore "$g" || die "what stands could not be put back: a rehearsal of the restore failed"
	run_checks "$g" || { put_text "$g/state" refused; rm -rf "$g/files"; die "a check command refuses the new configuration"; }
	install_self "$g" || die "cannot install the boot-time way back"
	rm -f "$home/reverted"
	arm "$n" "$seconds" || { rm -f "$home/pending"; die "cannot arm the timer that reverts"; }
	note "generation $n armed, reverts in $seconds s"
	say "armed $n $seconds"
	exec 9>&-
	systemctl --quiet reset-failed raiz-activate.service 2>/dev/null
	systemd-run --quiet --unit=raiz-activate --collect /bin/sh "$home/raiz.sh" commit "$n" || die "cannot start the activation"
	await_commit "$n" "$seconds"
}

# await_commit N SECONDS: reports how the activation ended, if this login
# lives to see it.
await_commit() {
	tries=$(($2 * 5))
	while [ "$tries" -gt 0 ]; do
		case $(state_of "$1") in
		active) say "active $1"; return 0 ;;
		reverted) say "reverted $1 $(cat "$home/reverted" 2>/dev/null)"; return 5 ;;
		esac
		sleep 0.2
		tries=$((tries - 1))
	done
	say "unknown $1"
	return 1
}

# commit N: runs in a unit of its own.
commit() {
	n=$1
	g=$home/generations/$n
	take_lock 10
	[ "$(pending) $(state_of "$n")" = "$n armed" ] || die "generation $n is not armed"
	if problem=$(put_files "$g") && problem=$(act_on_units "$g" new); then
		put_text "$g/state" active
		note "generation $n active"
		return 0
	fi
	exec 9>&-
	revert "$n" "activation failed: $problem"
}

# put_files G: everything is written and flushed beside its place first, so
# that what can fail has failed before the first name changes.
put_files() {
	while read -r verb mode owner group _ path; do
		[ "$verb" = put ] || continue
		write_beside "$1/files$path" "$root$path" "$mode" "$owner:$group" || { say "cannot write $path"; return 1; }
	done <"$1/manifest"
	flush
	while read -r verb first _ _ _ path; do
		case $verb in
		put) mv -f "$root$path.raiz-new" "$root$path" || { say "cannot rename $path"; return 1; } ;;
		del) rm -f "$root$first" || { say "cannot remove $first"; return 1; } ;;
		esac
	done <"$1/manifest"
	flush
}

# write_beside FROM TO MODE OWNER:GROUP: owner and mode before the name, and
# readable by nobody else in between (umask).
write_beside() {
	dir=$(dirname "$2")
	if [ ! -d "$dir" ]; then
		mkdir -p "$dir" && chmod 755 "$dir" || return 1
	fi
	cp "$1" "$2.raiz-new" && chown "$4" "$2.raiz-new" && chmod "$3" "$2.raiz-new"
}

# act_on_units G new|old: does what the manifest says, in its order. On the
# way back the same units are acted on, and then brought to the state they had.
act_on_units() {
	systemctl daemon-reload || { say "systemctl daemon-reload failed"; return 1; }
	while read -r verb action rest; do
		case $verb in
		unit) act "$1" "$2" "$action" "$rest" || return 1 ;;
		run) eval "set -- $action $rest" && out=$("$@" 2>&1 </dev/null) || [ "${2:-}" = old ] || { say "$action: $out"; return 1; } ;;
		esac
	done <"$1/manifest"
}

act() {
	gen=$1 way=$2 action=$3 unit=$4
	if [ "$way" = old ]; then
		was=$(awk -v u="$unit" '$1 == u { print $2, $3 }' "$gen/before/units")
		put_back_unit "$unit" "${was% *}" "${was#* }" "$action"
		return
	fi
	case $action in
	enable) out=$(systemctl --quiet enable "$unit" 2>&1) ;;
	disable) out=$(systemctl --quiet disable --now "$unit" 2>&1) ;;
	start) out=$(systemctl start "$unit" 2>&1) ;;
	reload) out=$(systemctl reload-or-restart "$unit" 2>&1) ;;
	restart) out=$(systemctl restart "$unit" 2>&1) ;;
	*) out="unknown action" && false ;;
	esac || {
		say "$action $unit: $out $(journalctl -u "$unit" -n 3 --no-pager -o cat 2>/dev/null | tr '\n' ' ')"
		return 1
	}
}

# put_back_unit UNIT ENABLED ACTIVE ACTION
put_back_unit() {
	case $2 in
	enabled) systemctl --quiet enable "$1" 2>/dev/null ;;
	absent | "") ;;
	*) systemctl --quiet disable "$1" 2>/dev/null ;;
	esac
	case $3 in
	active | activating | reloading)
		case $4 in
		reload) systemctl reload-or-restart "$1" 2>/dev/null || systemctl restart "$1" 2>/dev/null ;;
		*) systemctl restart "$1" 2>/dev/null ;;
		esac
		;;
	*) systemctl stop "$1" 2>/dev/null ;;
	esac
	return 0
}

# ---------------------------------------------------------------- confirm

# confirm N UNIT...: the units are looked at once more on this side, because
# the connection that asks may be younger than their failure.
confirm() {
	n=$1
	shift
	take_lock 10
	[ "$(pending)" = "$n" ] || die "generation $n is $(state_of "$n"), nothing to confirm: $(cat "$home/reverted" 2>/dev/null)"
	[ "$(state_of "$n")" = active ] || die "generation $n is $(state_of "$n"), not active"
	for u in "$@"; do
		systemctl --quiet is-active "$u" || die "$u is $(systemctl is-active "$u"); generation $n stays unconfirmed and reverts"
	done
	g=$home/generations/$n
	put_text "$g/state" confirmed || die "cannot confirm generation $n"
	keep_generation "$n"
	disarm
	forget_secrets "$g"
	prune
	note "generation $n confirmed by ${RAIZ_WHO:-unknown}"
	say "confirmed $n"
}

# keep_generation N: from the moment its state is "confirmed" a generation is
# kept; a power cut before these steps are done lets boot finish them.
keep_generation() {
	put_text "$home/current" "$1"
	rm -f "$home/pending"
	flush
}

# forget_secrets G: a secret stays only in the file that needs it.
forget_secrets() {
	awk '$1 == "secret" { print $2 }' "$1/manifest" | while read -r path; do
		rm -f "$1/files$path" "$1/before/files$path"
	done
}

prune() {
	numbers | sort -rn | tail -n +$((keep + 1)) | while read -r old; do
		rm -rf "${home:?}/generations/$old"
	done
}

# ---------------------------------------------------------------- revert

# put_back_files G: the bytes that stood before, absence included.
put_back_files() {
	bad=0
	while read -r what path; do
		f=$root$path
		rm -f "$f.raiz-new" "$f.raiz-rehearse"
		[ "$what" != had ] || cp -pP "$1/before/files$path" "$f.raiz-old" || bad=1
	done <"$1/before/list"
	flush
	while read -r what path; do
		f=$root$path
		case $what in
		had) mv -f "$f.raiz-old" "$f" || bad=1 ;;
		absent) rm -f "$f" || bad=1 ;;
		esac
	done <"$1/before/list"
	flush
	return $bad
}

# verify_files G: shows that what stands is what stood.
verify_files() {
	while read -r what path; do
		f=$root$path
		case $what in
		had) if [ -L "$f" ]; then [ "$(readlink "$f")" = "$(readlink "$1/before/files$path")" ]; else cmp -s "$f" "$1/before/files$path"; fi || return 1 ;;
		absent) [ ! -e "$f" ] || return 1 ;;
		esac
	done <"$1/before/list"
}

revert() {
	n=$1 reason=$2
	g=$home/generations/$n
	take_lock 60
	[ "$(pending)" = "$n" ] || { say "nothing to revert: generation $n is $(state_of "$n")"; return 0; }
	note "generation $n reverts: $reason"
	put_back_files "$g" || note "generation $n: not every file could be put back"
	[ "${3:-services}" = files ] || act_on_units "$g" old >/dev/null
	verify_files "$g" || { note "generation $n: the files do not match the snapshot"; die "revert of generation $n is incomplete"; }
	put_text "$g/state" reverted
	put_text "$home/reverted" "$n $(date -u +%Y-%m-%dT%H:%M:%SZ) $reason"
	rm -f "$home/pending"
	flush
	disarm
	rm -rf "$g/files"
	forget_secrets "$g"
	note "generation $n reverted"
	say "reverted $n $reason"
}

# boot: files only. It runs before the services start, so they start with
# what stood before.
boot() {
	p=$(pending)
	[ -n "$p" ] || return 0
	if [ "$(state_of "$p")" = confirmed ]; then
		keep_generation "$p"
		forget_secrets "$home/generations/$p"
		return 0
	fi
	revert "$p" "the server started again before generation $p was confirmed" files
	restore_enabled "$home/generations/$p"
}

restore_enabled() {
	while read -r unit enabled _; do
		case $enabled in
		enabled) systemctl --quiet --no-reload enable "$unit" 2>/dev/null ;;
		absent) ;;
		*) systemctl --quiet --no-reload disable "$unit" 2>/dev/null ;;
		esac
	done <"$1/before/units"
	systemctl daemon-reload 2>/dev/null
	return 0
}

raiz() {
	verb=$1
	shift
	case $verb in
	apply) stage "$1" "$2" && activate "$n" "$3" ;;
	probe | stage | activate | commit | confirm | revert | boot) "$verb" "$@" ;;
	*) die "unknown verb $verb" ;;
	esac
}

# Installed, the script is called with a verb. Sent over stdin, it is only
# read, and the call follows it.
[ $# -eq 0 ] || raiz "$@"
