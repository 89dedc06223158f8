
# ---------------------------------------------------------------- stage

# begin: takes the lock for a new change, and finishes what a run that was
# killed has left behind.
begin() {
	take_lock 0
	p=$(pending)
	[ -z "$p" ] || ! decided "$p" || finish "$p" || die "cannot finish generation $p: is the disk full?"
	settle
	prune
	clear_uploads
	not_pending
}

# clear_uploads: a client that died before it could call has left its bundle,
# secrets and all. The one of a client that lives may be there, too, but no
# upload takes an hour.
clear_uploads() {
	find "$root/tmp" -maxdepth 1 -name 'raiz-*.tar' -type f -mmin +60 -exec rm -f {} + 2>/dev/null
	return 0
}

# not_pending: one change at a time; the first one's owner is told.
not_pending() {
	p=$(pending)
	[ -z "$p" ] || die "generation $p is $(state_of "$p") and not confirmed: $(owner_of "$p")"
}

next_generation() {
	last=$(numbers | tail -n 1)
	say $((${last:-0} + 1))
}

# stage BUNDLE SUM: leaves the new number in n.
stage() {
	bundle=$1
	# A bundle holds secrets: it goes, however this ends.
	trap 'rm -f "$bundle"' EXIT
	trap 'exit 1' HUP INT PIPE TERM
	begin
	trap 'rm -rf "$bundle" "$home/incoming"' EXIT
	[ "$(sum_of "$bundle")" = "$2" ] || die "the bundle arrived damaged"
	rm -rf "$home/incoming"
	mkdir -p "$home/incoming" || die "cannot make $home/incoming: is the disk full?"
	tar -xf "$bundle" -C "$home/incoming" --no-same-owner || die "cannot unpack the bundle: is the disk full?"
	rm -f "$bundle"
	take_in
}

# take_in: incoming becomes the next generation.
take_in() {
	check_sums "$home/incoming" || die "a staged file is not what the manifest says"
	if ! { say "$who at $(now)" >"$home/incoming/who" && say staged >"$home/incoming/state"; }; then
		die "cannot write to $home: is the disk full?"
	fi
	flush
	n=$(next_generation)
	mv "$home/incoming" "$home/generations/$n" || die "cannot stage generation $n"
	trap - EXIT HUP INT PIPE TERM
	flush
	note "generation $n staged by $who"
	say "generation $n"
}

# check_sums DIR: every file of the manifest is there and whole.
check_sums() {
	while read -r verb _mode _owner _group sum path; do
		[ "$verb" = put ] || continue
		[ "$(sum_of "$1/files$path")" = "$sum" ] || return 1
	done <"$1/manifest"
}

# rollback N SECONDS: the files of generation N once more, as a new
# generation. A secret is not kept in generations; the one that stands is
# taken again. What has been managed since and was not then goes.
rollback() {
	from=$home/generations/$1
	begin
	trap 'rm -rf "$home/incoming"' EXIT
	trap 'exit 1' HUP INT PIPE TERM
	case $(state_of "$1") in confirmed) ;; *) die "generation $1 is $(state_of "$1"); raiz history lists those that were confirmed" ;; esac
	rm -rf "$home/incoming"
	if ! { mkdir -p "$home/incoming" && cp -a "$from/files" "$home/incoming/files" && cp "$home/raiz.sh" "$home/incoming/raiz.sh"; }; then
		die "cannot copy generation $1: is the disk full?"
	fi
	: >"$home/incoming/manifest"
	say "rollback-$1" >"$home/incoming/plan"
	awk '$1 == "put" || $1 == "secret" || $1 == "check" || $1 == "effect"' "$from/manifest" | while read -r verb rest; do
		case $verb in
		put) rollback_put "$rest" ;;
		*) say "$verb $rest" ;;
		esac || exit 1
	done >>"$home/incoming/manifest" || die "cannot make a generation of generation $1"
	if ! { rollback_deletes "$from" >"$home/incoming/actions" && rollback_actions "$home/incoming" >>"$home/incoming/actions" &&
		cat "$home/incoming/actions" >>"$home/incoming/manifest" && rm -f "$home/incoming/actions"; }; then
		die "cannot make a generation of generation $1: is the disk full?"
	fi
	take_in
	activate "$n" "$2"
}

# rollback_put "MODE OWNER GROUP SUM PATH"
rollback_put() {
	path=${1##* }
	if [ ! -f "$from/files$path" ]; then
		[ -f "$root$path" ] || return 1
		mkdir -p "$home/incoming/files$(dirname "$path")" && cp "$root$path" "$home/incoming/files$path" || return 1
		head=${1% *}
		say "put ${head% *} $(sum_of "$root$path") $path"
		return
	fi
	say "put $1"
}

# rollback_deletes FROM: what has been managed since and was not then. A unit
# whose file goes is stopped first.
rollback_deletes() {
	c=$(current)
	[ -n "$c" ] || return 0
	awk -v units=/etc/systemd/system/ '
		NR == FNR { if ($1 == "put") kept[$6]; next }
		$1 == "put" && !($6 in kept) {
			print "del " $6
			name = substr($6, length(units) + 1)
			if (index($6, units) == 1 && name !~ /\//) print "unit disable " name
		}
	' "$1/manifest" "$home/generations/$c/manifest"
}

# rollback_actions DIR: what the files that differ from those that stand need,
# each once, in the order of the components.
rollback_actions() {
	awk '$1 == "effect" { print }' "$1/manifest" | while read -r _ order late path verb rest; do
		if [ -f "$root$path" ] && cmp -s "$1/files$path" "$root$path"; then continue; fi
		say "$order $late $verb $rest"
	done | sort -n -k1,1 -k2,2 | cut -d' ' -f3- | awk '!seen[$0]++' | while read -r verb rest; do
		case $verb in
		run) say "run $rest" ;;
		*) say "unit $verb $rest" ;;
		esac
	done
}
