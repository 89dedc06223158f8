
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
		systemctl --quiet is-active "$u" || die "$u is $(word is-active "$u" gone); generation $n stays unconfirmed and reverts"
	done
	g=$home/generations/$n
	put_text "$g/state" confirmed || die "cannot confirm generation $n: is the disk full?"
	keep_generation "$n"
	disarm
	prune
	note "generation $n confirmed by $who"
	say "confirmed $n"
}

# keep_generation N: from the moment its state is "confirmed" a generation is
# kept; a power cut before these steps are done lets boot finish them.
keep_generation() {
	put_text "$home/current" "$1"
	forget_beside "$home/generations/$1"
	forget_secrets "$home/generations/$1"
	rm -f "$home/pending"
	flush
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
}

# prune: the current generation is kept however old it is.
prune() {
	c=$(current)
	numbers | sort -rn | tail -n +$((keep + 1)) | while read -r old; do
		[ "$old" = "$c" ] || rm -rf "${home:?}/generations/$old"
	done
}
