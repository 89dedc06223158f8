
# ---------------------------------------------------------------- activate

# snapshot G: keeps the bytes of all that is about to change.
snapshot() {
	g=$1
	rm -rf "$g/before" && mkdir -p "$g/before/files" && : >"$g/before/list" || return 1
	for path in $(managed "$g"); do
		f=$root$path
		rm -f "$f.raiz-new" "$f.raiz-old"
		if [ -d "$f" ] || { [ -e "$f" ] && [ ! -f "$f" ]; }; then
			refuse "${g##*/}" "$path is neither a file nor a link to one"
		elif [ -L "$f" ] || [ -f "$f" ]; then
			mkdir -p "$g/before/files$(dirname "$path")" && cp -pP "$f" "$g/before/files$path" || return 1
			say "had $path" >>"$g/before/list" || return 1
		else
			say "absent $path" >>"$g/before/list" || return 1
		fi
	done
	snapshot_units "$g" && flush
}

# keep_all G: second names of all that stands, once the way back is armed:
# whatever happens from here on, a revert takes them away again.
keep_all() {
	while read -r what path; do
		[ "$what" = had ] || continue
		keep_beside "$root$path" || { say "cannot keep $path: is the disk full?"; return 1; }
	done <"$1/before/list"
	flush
	rehearse_restore "$1" || { say "what stands could not be put back: a rehearsal of the restore failed"; return 1; }
}

# keep_beside FILE: a second name, or a copy where there can be none.
keep_beside() {
	if [ -L "$1" ]; then
		cp -pP "$1" "$1.raiz-old"
	else
		ln "$1" "$1.raiz-old" 2>/dev/null || cp -p "$1" "$1.raiz-old"
	fi
}

snapshot_units() {
	: >"$1/before/units" || return 1
	awk '$1 == "unit" { print $3 }' "$1/manifest" | sort -u | while read -r u; do
		say "$u $(word is-enabled "$u" absent) $(word is-active "$u" inactive)" >>"$1/before/units" || exit 1
	done
}

# word VERB UNIT ELSE: one word of systemctl, whatever its exit code.
word() {
	answer=$(systemctl "$1" "$2" 2>/dev/null | head -n 1)
	say "${answer:-$3}"
}

# rehearse_restore G: shows before any file changes that what stands can be
# put back: each second name is there and holds the bytes of the snapshot.
rehearse_restore() {
	while read -r what path; do
		[ "$what" = had ] || continue
		alike "$root$path.raiz-old" "$1/before/files$path" || return 1
	done <"$1/before/list"
}

# same A B: the same bytes, or links to the same place.
same() {
	if [ -L "$1" ] || [ -L "$2" ]; then
		[ "$(readlink "$1")" = "$(readlink "$2")" ]
	else
		cmp -s "$1" "$2"
	fi
}

# check_tree G TREE: a copy in which every managed path points into the copy,
# so that files which include one another are checked together. Every path
# becomes a number first, the longest first: the name of one file may begin
# with the name of another.
check_tree() {
	rm -rf "$2" && mkdir -p "$2" || return 1
	awk '$1 == "put" { print length($6), $6 }' "$1/manifest" | sort -rn | awk -v tree="$2" '
		{ name = $2; gsub(/[.]/, "[.]", name); there[NR] = $2; printf "s|%s|\001%d\001|g\n", name, NR }
		END { for (i = 1; i <= NR; i++) printf "s|\001%d\001|%s%s|g\n", i, tree, there[i] }
	' >"$2.sed" || return 1
	while read -r verb _ _ _ _ path; do
		[ "$verb" = put ] || continue
		mkdir -p "$2$(dirname "$path")" || return 1
		sed -f "$2.sed" "$1/files$path" >"$2$path" || return 1
	done <"$1/manifest"
}

# run_checks G: every check command of the manifest must agree.
run_checks() {
	tree=$1/check
	check_tree "$1" "$tree" || return 1
	bad=0
	while read -r verb path command; do
		[ "$verb" = check ] || continue
		out=$(run_check "$tree$path" "$command") && continue
		say "check-failed $path $(say "$out" | sed "s|$tree||g" | tail -n 5 | tr '\n' ' ')"
		bad=1
	done <"$1/manifest"
	rm -rf "$tree" "$tree.sed"
	return $bad
}

# run_check FILE COMMAND: {} in the command stands for the file.
run_check() {
	file=$1
	eval "set -- $2"
	count=$#
	while [ "$count" -gt 0 ]; do
		a=$1
		shift
		[ "$a" != "{}" ] || a=$file
		set -- "$@" "$a"
		count=$((count - 1))
	done
	"$@" 2>&1 </dev/null 9>&-
}

boot_unit() {
	cat <<-UNIT
		[Unit]
		Description=raiz: revert a generation that was never confirmed
		DefaultDependencies=no
		RequiresMountsFor=$home
		After=systemd-remount-fs.service
		Before=network-pre.target systemd-networkd.service systemd-sysctl.service nftables.service ssh.service sysinit.target
		Wants=network-pre.target
		ConditionPathExists=$home/pending

		[Service]
		Type=oneshot
		TimeoutStartSec=60
		ExecStart=/bin/sh $home/raiz.sh boot

		[Install]
		WantedBy=sysinit.target
	UNIT
}

# install_self G: the script and the boot unit, as this generation knows them.
install_self() {
	if ! cmp -s "$1/raiz.sh" "$home/raiz.sh"; then
		cp "$1/raiz.sh" "$home/raiz.sh.new" && flush && mv -f "$home/raiz.sh.new" "$home/raiz.sh" || return 1
	fi
	boot_unit >"$home/boot.unit" || return 1
	if ! cmp -s "$home/boot.unit" "$units/raiz-boot.service"; then
		cp "$home/boot.unit" "$units/raiz-boot.service.new" && chmod 644 "$units/raiz-boot.service.new" && flush || return 1
		mv -f "$units/raiz-boot.service.new" "$units/raiz-boot.service" && systemctl daemon-reload || return 1
	fi
	[ "$(word is-enabled raiz-boot.service absent)" = enabled ] || systemctl --quiet enable raiz-boot.service || return 1
	flush
}

# arm N SECONDS: the timer first, then "pending". A timer that finds nothing
# pending does nothing; the other way round there could be no way back. A
# revert that fails is tried again.
arm() {
	systemctl --quiet stop raiz-revert.timer raiz-revert.service 2>/dev/null
	systemctl --quiet reset-failed raiz-revert.timer raiz-revert.service 2>/dev/null
	put_text "$home/generations/$1/state" armed || return 1
	# Without its own accuracy a timer of systemd may fire a minute late.
	later "$1" "not confirmed within $2 s" --on-active="$2s" --timer-property=AccuracySec=100ms || return 1
	put_text "$home/pending" "$1"
}

# later N REASON OPTION...: has systemd revert generation N, and try again for
# as long as that fails.
later() {
	number=$1 why=$2
	shift 2
	systemd-run --quiet "$@" --unit=raiz-revert --property=Type=oneshot --property=Restart=on-failure --property=RestartSec=5 \
		/bin/sh "$home/raiz.sh" revert "$number" "$why"
}

disarm() {
	systemctl --quiet stop raiz-revert.timer 2>/dev/null
	return 0
}

# refuse N WHY: nothing has changed yet, and nothing will.
refuse() {
	put_text "$home/generations/$1/state" refused
	rm -f "$home/pending"
	forget_beside "$home/generations/$1"
	forget_secrets "$home/generations/$1"
	die "$2"
}

# activate N SECONDS: prepares in this process, where an error costs nothing,
# then hands the rest to a unit of its own that no broken login can end. The
# lock is held since the look at "pending": taken anew, it would let another
# operator in between.
activate() {
	n=$1 seconds=$2
	g=$home/generations/$n
	[ "$(state_of "$n")" = staged ] || die "generation $n is $(state_of "$n"), not staged"
	snapshot "$g" || refuse "$n" "cannot take a snapshot of what stands: is the disk full?"
	run_checks "$g" || refuse "$n" "a check command refuses the new configuration"
	install_self "$g" || refuse "$n" "cannot install the boot-time way back"
	rm -f "$home/reverted"
	arm "$n" "$seconds" || refuse "$n" "cannot arm the way back"
	note "generation $n armed, reverts in $seconds s"
	say "armed $n $seconds"
	drop_lock
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
		reverted) say "reverted $(cat "$home/reverted" 2>/dev/null)"; return 5 ;;
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
	if problem=$(keep_all "$g") && problem=$(write_files "$g") && problem=$(retire_units "$g") && problem=$(place_files "$g") && problem=$(act_on_units "$g") &&
		put_text "$g/state" active; then
		note "generation $n active"
		return 0
	fi
	drop_lock
	revert "$n" "activation failed: ${problem:-its state could not be written}"
}

# gone UNIT: systemd knows no file of it, so there is nothing to disable.
gone() {
	case $(word is-enabled "$1" not-found) in not-found) ;; *) return 1 ;; esac
}

# write_files G: everything is written and flushed beside its place first, so
# that what can fail has failed before the first name changes.
write_files() {
	while read -r verb mode owner group _ path; do
		[ "$verb" = put ] || continue
		write_beside "$1/files$path" "$root$path" "$mode" "$owner:$group" || { say "cannot write $path"; return 1; }
	done <"$1/manifest"
	flush
}

# retire_units G: a unit stops while its file is still there to say how.
retire_units() {
	while read -r verb action unit; do
		[ "$verb $action" != "unit disable" ] || act disable "$unit" || return 1
	done <"$1/manifest"
}

place_files() {
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
	# Daemons without root read here: the umask is for files.
	(umask 022 && mkdir -p "$(dirname "$2")") && cp "$1" "$2.raiz-new" && chown "$4" "$2.raiz-new" && chmod "$3" "$2.raiz-new"
}

# act_on_units G: does what the manifest says, in its order.
act_on_units() {
	systemctl daemon-reload || { say "systemctl daemon-reload failed"; return 1; }
	while read -r verb action rest; do
		case $verb in
		unit) [ "$action" = disable ] || act "$action" "$rest" || return 1 ;;
		run) out=$(eval "set -- $action $rest" && "$@" 2>&1 </dev/null 9>&-) || { say "$action: $out"; return 1; } ;;
		esac
	done <"$1/manifest"
}

act() {
	began=$(date +%s)
	case $1 in
	enable) out=$(systemctl --quiet enable "$2" 2>&1) ;;
	disable) out=$(systemctl --quiet disable --now "$2" 2>&1) || gone "$2" ;;
	start) out=$(systemctl start "$2" 2>&1) ;;
	reload) out=$(systemctl reload-or-restart "$2" 2>&1) ;;
	restart) out=$(systemctl restart "$2" 2>&1) ;;
	*) out="unknown action" && false ;;
	esac || {
		say "$1 $2: $(one_line "$out"); it says: $(last_words "$2" "@$began")"
		return 1
	}
}

# one_line TEXT: an answer is a line, so a second one would be lost; without
# what a terminal obeys.
one_line() { say "$1" | tr -cd '\12\40-\176' | cut -c -400 | paste -s -d ' ' -; }

# last_words UNIT SINCE: what the daemon itself has said last, in one line.
# systemd's own lines about it only repeat that it has failed, and would push
# the reason out. By its name too: what ends at once is gone before the journal
# sees its unit.
last_words() {
	journalctl --sync >/dev/null 2>&1
	heard=$(journalctl --quiet --no-pager -o cat -n 5 --since "$2" "_SYSTEMD_UNIT=$1" + "SYSLOG_IDENTIFIER=${1%.service}" 2>/dev/null)
	[ -n "$heard" ] || heard=$(journalctl --quiet --no-pager -o cat -n 5 --since "$2" -u "$1" 2>/dev/null)
	one_line "${heard:-nothing}"
}
