// Package hostile_test holds raiz against servers, controllers and files that
// mean it no good: each way to misbehave ends within its bound, in time and in
// memory, and what is said of it names the thing and paints nothing.
package hostile_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/raiz-dns/raiz/provision/printable"
)

// slack is for a machine with other work; memory is for all ways side by side.
const (
	slack  = 45 * time.Second
	memory = 768 << 20
)

// TestMain has the ways gone side by side: most of them are waits.
func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "64")
	os.Exit(m.Run())
}

// rounds is how often each way is gone, each time from another seed; make
// hostile asks for more.
func rounds() int {
	if n, err := strconv.Atoi(os.Getenv("RAIZ_HOSTILE")); err == nil && n > 0 {
		return n
	}
	return 1
}

// each runs test for each round.
func each(t *testing.T, test func(t *testing.T, r *rand.Rand)) {
	for seed := range rounds() {
		t.Run(fmt.Sprintf("seed %d", seed+1), func(t *testing.T) {
			t.Parallel()
			test(t, rand.New(rand.NewPCG(uint64(seed+1), 7)))
		})
	}
}

// ended runs what has to come to an end by itself.
func ended(t *testing.T, limit time.Duration, do func() error) error {
	t.Helper()
	said, began := make(chan error, 1), time.Now()
	go func() { said <- do() }()
	select {
	case err := <-said:
		t.Logf("%s: %.300v", time.Since(began).Round(10*time.Millisecond), err)
		return err
	case <-time.After(limit + slack):
		t.Fatalf("no end after %s; its bound is %s", limit+slack, limit)
		return nil
	}
}

// speaks demands an error with these words, which is not long, keeps secrets and
// leaves a terminal alone.
func speaks(t *testing.T, err error, words string, secrets ...string) {
	t.Helper()
	if err == nil {
		if words != "" {
			t.Errorf("no error; want %q", words)
		}
		return
	}
	text := err.Error()
	for want := range strings.SplitSeq(words, "|") {
		if !strings.Contains(text, want) {
			t.Errorf("says nothing of %q: %.500q", want, text)
		}
	}
	for _, s := range secrets {
		if strings.Contains(text, s) {
			t.Errorf("tells a secret: %.500q", text)
		}
	}
	if len(text) > 64<<10 {
		t.Errorf("%d bytes are said", len(text))
	}
	// What an error quotes is cleaned where it is printed.
	for _, r := range printable.Lines(text) {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			t.Fatalf("paints: %.500q", printable.Lines(text))
		}
	}
}

// watched fails when the heap grows over the bound while the ways are gone.
func watched(t *testing.T) {
	t.Helper()
	var peak atomic.Uint64
	stop := make(chan struct{})
	go func() {
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapAlloc))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		t.Logf("%d MiB at most", peak.Load()>>20)
		if peak.Load() > memory {
			t.Errorf("%d MiB at most; the bound is %d", peak.Load()>>20, memory>>20)
		}
	})
}

// paint is what a terminal would obey.
const paint = "\x1b[2J\x1b]0;owned\x07\u202e\x9b31m\r\b"
