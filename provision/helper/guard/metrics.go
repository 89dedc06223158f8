//go:build linux

package guard

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/raiz-dns/raiz/provision/watch"
)

// metrics are a status as Prometheus reads it from a file (text format 0.0.4).
// Times are seconds since 1970.
func metrics(s watch.Status) []byte {
	var b bytes.Buffer
	head := func(name, kind, help string) { fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind) }
	flag := func(is bool) int { return map[bool]int{true: 1}[is] }
	head("raiz_guard_block_state", "gauge", "Whether a block is in a state.")
	for _, x := range s.Blocks {
		for _, state := range []watch.State{watch.Announced, watch.Draining, watch.Withdrawn} {
			fmt.Fprintf(&b, "raiz_guard_block_state{block=%q,state=%q} %d\n", x.Prefix, state, flag(x.State == state))
		}
	}
	head("raiz_guard_block_since_seconds", "gauge", "When a block came into its state.")
	for _, x := range s.Blocks {
		fmt.Fprintf(&b, "raiz_guard_block_since_seconds{block=%q} %d\n", x.Prefix, x.Since.Unix())
	}
	head("raiz_guard_feed_up", "gauge", "Whether there is a session with the routing daemon.")
	fmt.Fprintf(&b, "raiz_guard_feed_up %d\n", flag(s.Feed.Up))
	head("raiz_guard_drained", "gauge", "Whether somebody wants the blocks not to be announced.")
	fmt.Fprintf(&b, "raiz_guard_drained %d\n", flag(s.Drain != nil))
	head("raiz_guard_alarm", "gauge", "Whether there is an alarm.")
	for _, code := range []watch.TroubleCode{
		watch.TroubleStale, watch.TroubleUnproven, watch.TroubleClock, watch.TroubleCrowd, watch.TroubleExports, watch.TroubleFeed,
	} {
		fmt.Fprintf(&b, "raiz_guard_alarm{alarm=%q} %d\n", code, flag(slices.ContainsFunc(s.Alarms, func(t watch.Trouble) bool { return t.Code == code })))
	}
	for _, c := range []struct {
		name, help string
		n          int
	}{
		{"looks", "Looks at all zones and addresses.", s.Counts.Looks},
		{"looks_wrong", "Looks that found something wrong.", s.Counts.Wrong},
		{"withdrawals", "Blocks that were withdrawn.", s.Counts.Withdrawals},
		{"stops", "Stops of a routing daemon that did not obey.", s.Counts.Stops},
	} {
		head("raiz_guard_"+c.name+"_total", "counter", c.help)
		fmt.Fprintf(&b, "raiz_guard_%s_total %d\n", c.name, c.n)
	}
	head("raiz_guard_time_seconds", "gauge", "When this was written.")
	fmt.Fprintf(&b, "raiz_guard_time_seconds %d\n", s.At.Unix())
	return b.Bytes()
}
