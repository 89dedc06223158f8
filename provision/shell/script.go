package shell

import (
	"embed"
	"fmt"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/remote"
	"github.com/raiz-dns/raiz/provision/state"
)

//go:embed script/*.sh
var parts embed.FS

// Script returns the whole script: its parts in the order of their names.
func Script() string {
	names, err := parts.ReadDir("script")
	if err != nil {
		panic("server: " + err.Error()) // it is part of the binary
	}
	var b strings.Builder
	for _, n := range names {
		text, err := parts.ReadFile("script/" + n.Name())
		if err != nil {
			panic("server: " + err.Error())
		}
		b.Write(text)
	}
	return b.String()
}

// Home is where the script keeps its generations on the server.
const Home = state.Home

// By says who calls, and how much history the server keeps.
type By struct {
	Who  string // user, machine and site file; recorded on the server
	Keep int    // generations kept; 0 means the script's own 10
}

// call returns the script followed by one call of it. stdin, when not empty,
// is what the call reads.
func call(by By, stdin string, words ...string) remote.Script {
	var b strings.Builder
	b.WriteString("RAIZ_WHO=" + remote.Quote(by.Who) + "\n")
	if by.Keep > 0 {
		fmt.Fprintf(&b, "RAIZ_KEEP=%d\n", by.Keep)
	}
	b.WriteString(Script())
	b.WriteString("raiz " + remote.Command(words...))
	if stdin != "" {
		b.WriteString(" <<'RAIZ_REQUEST'\n" + stdin + "RAIZ_REQUEST")
	}
	b.WriteString("\n")
	return remote.Script{Text: b.String(), Root: true, Deadline: time.Minute}
}

// silence is how long a server may say nothing while it changes itself before
// a new connection is tried: longer than a bad link loses packets for, shorter
// than a person waits.
const silence = 4 * time.Second

// Status returns the call that answers for the transaction alone.
func Status(by By) remote.Script {
	s := call(by, "", "status")
	s.Deadline, s.Silence = 15*time.Second, silence
	return s
}

// History returns the call that lists the generations.
func History(by By) remote.Script { return call(by, "", "history") }

// Confirm returns the call that keeps a generation. Each unit is looked at
// once more by the server before it does.
func Confirm(by By, generation string, units []string) remote.Script {
	s := call(by, "", append([]string{"confirm", generation}, units...)...)
	s.Silence = silence
	return s
}

// Revert returns the call that puts back what stood before a generation.
func Revert(by By, generation string, reason string) remote.Script {
	s := call(by, "", "revert", generation, reason)
	s.Deadline, s.Silence = 3*time.Minute, silence
	return s
}

// Apply returns the call that stages an uploaded bundle and activates it,
// with a revert that fires by itself after the given time.
func Apply(by By, b Bundle, path string, revertAfter time.Duration) remote.Script {
	s := call(by, "", "apply", path, b.Sum, seconds(revertAfter))
	s.Deadline, s.Silence = revertAfter+time.Minute, silence
	return s
}

// Rollback returns the call that makes an earlier generation the new one.
func Rollback(by By, generation string, revertAfter time.Duration) remote.Script {
	s := call(by, "", "rollback", generation, seconds(revertAfter))
	s.Deadline, s.Silence = revertAfter+time.Minute, silence
	return s
}
