package server

import (
	_ "embed" // the script
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/remote"
)

//go:embed raiz.sh
var script string

// Home is where the script keeps its generations on the server.
const Home = "/var/lib/raiz"

// call returns the script followed by one call of it. who is recorded with
// what it does; stdin, when not empty, is what the call reads.
func call(who string, stdin string, words ...string) remote.Script {
	var b strings.Builder
	b.WriteString(script)
	b.WriteString("RAIZ_WHO=" + remote.Quote(who) + "\nraiz " + remote.Command(words...))
	if stdin != "" {
		b.WriteString(" <<'RAIZ_REQUEST'\n" + stdin + "RAIZ_REQUEST")
	}
	b.WriteString("\n")
	return remote.Script{Text: b.String(), Root: true}
}

// Confirm returns the call that keeps a generation. Each unit is looked at
// once more by the server before it does.
func Confirm(who string, generation string, units []string) remote.Script {
	s := call(who, "", append([]string{"confirm", generation}, units...)...)
	s.Deadline = time.Minute
	return s
}

// Revert returns the call that puts back what stood before a generation.
func Revert(who string, generation string, reason string) remote.Script {
	s := call(who, "", "revert", generation, reason)
	s.Deadline = 3 * time.Minute
	return s
}

// Apply returns the call that stages an uploaded bundle and activates it,
// with a revert that fires by itself after the given time.
func Apply(who string, b Bundle, path string, revertAfter time.Duration) remote.Script {
	s := call(who, "", "apply", path, b.Sum, seconds(revertAfter))
	s.Deadline = revertAfter + time.Minute
	return s
}
