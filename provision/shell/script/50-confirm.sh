
# ---------------------------------------------------------------- confirm

# confirm N UNIT...: the units are looked at once more on this side, because
# the connection that asks may be younger than their failure.
confirm() {
	n=$1
	shift
	take_lock 10
	if [ "$(state_of "$n")" = confirmed ] && { [ "$(current)" = "$n" ] || [ "$(pending)" = "$n" ]; }; then
		[ "$(pending)" != "$n" ] || finish "$n" || die "generation $n is confirmed, but not called current yet: is the disk full?"
		say "confirmed $n"
		return 0
	fi
	[ "$(pending)" = "$n" ] || { say "late $n" && die "generation $n is $(state_of "$n"), nothing to confirm: $(cat "$home/reverted" 2>/dev/null)"; }
	# A connection that is older than the change proves nothing.
	[ "$(state_of "$n")" != armed ] || { say "early $n" && exit 1; }
	[ "$(state_of "$n")" = active ] || die "generation $n is $(state_of "$n"), not active"
	for u in "$@"; do
		systemctl --quiet is-active "$u" || die "$u is $(word is-active "$u" gone); it says: $(last_words "$u" -2min); generation $n stays unconfirmed and reverts"
	done
	g=$home/generations/$n
	put_text "$g/state" confirmed || die "cannot confirm generation $n: is the disk full?"
	finish "$n" || die "generation $n is confirmed, but not called current yet: is the disk full?"
	disarm
	prune
	note "generation $n confirmed by $who"
	say "confirmed $n"
}

# decided N: a generation in one of these states only has to be finished.
decided() {
	case $(state_of "$1") in confirmed | reverted) ;; *) return 1 ;; esac
}

# finish N: the last steps of what has been decided. Each may be done again,
# so whoever comes next after a power cut ends what was begun.
finish() {
	forget_beside "$home/generations/$1"
	forget_secrets "$home/generations/$1"
	[ "$(state_of "$1")" != confirmed ] || put_text "$home/current" "$1" || return 1
	rm -f "$home/pending"
	flush
}

# settle: a generation that is not pending and not decided was left by a run
# that was killed before it had changed anything, or by a revert that could
# not say so.
settle() {
	p=$(pending)
	numbers | while read -r old; do
		[ "$old" != "$p" ] || continue
		case $(state_of "$old") in
		staged | armed) put_text "$home/generations/$old/state" refused ;;
		active | reverting) put_text "$home/generations/$old/state" reverted ;;
		none) rm -rf "${home:?}/generations/$old" ;; # half pruned
		*) continue ;;
		esac
		forget_beside "$home/generations/$old"
		forget_secrets "$home/generations/$old"
	done
}

# forget_beside G: the second names have done their service.
forget_beside() {
	for path in $(managed "$1"); do
		rm -f "$root$path.raiz-old" "$root$path.raiz-new"
	done
}

# forget_secrets G: a secret stays only in the file that needs it.
forget_secrets() {
	awk '$1 == "secret" { print $2 }' "$1/manifest" | while read -r path; do
		rm -f "$1/files$path" "$1/before/files$path"
	done
	rm -rf "$1/check" "$1/check.sed"
}

# prune: of the generations that were confirmed and of those that were not the
# last ones are kept, each by themselves: a hundred refusals must not cost the
# way back to what once worked. The current one is kept however old it is.
prune() {
	c=$(current)
	for kind in kept tried; do
		numbers | sort -rn | while read -r old; do
			case "$kind $(state_of "$old")" in "kept confirmed" | "tried refused" | "tried reverted") say "$old" ;; esac
		done | tail -n +$((keep + 1)) | while read -r old; do
			[ "$old" = "$c" ] || rm -rf "${home:?}/generations/$old"
		done
	done
}
