package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/secret"
	"github.com/raiz-dns/raiz/provision/simbmc"
	"github.com/raiz-dns/raiz/provision/state"
)

// controllerThatRefuses is a simulated one that takes no host name.
func controllerThatRefuses(t *testing.T) bmc.Target {
	t.Helper()
	b, err := simbmc.New(simbmc.Config{
		Users: map[string]string{"raiz": "a password"}, Delay: -1,
		Faults: simbmc.Faults{ReadOnly: []string{"HostName"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = b.Serve(ln) }()
	t.Cleanup(func() { _ = b.Close() })
	return bmc.Target{Target: redfish.Target{
		Fingerprint: b.Fingerprint(), Log: slog.New(slog.DiscardHandler),
		Endpoints: []redfish.Endpoint{{
			Address: netip.MustParseAddrPort(ln.Addr().String()), Username: "raiz",
			Password: secret.New("test", "a password"), Origin: redfish.Declared,
		}},
		Timing: redfish.Timing{Poll: 5 * time.Millisecond},
	}, Patience: bmc.Patience{ReadBack: 50 * time.Millisecond}}
}

// planWith is what a plan says that is made with a cache, and what it exits.
func planWith(t *testing.T, target bmc.Target, links bmc.LinkCache, try bool) string {
	t.Helper()
	target.Links = links
	c, err := bmc.Open(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	items := []state.Item{
		{Key: state.Key{Kind: state.Setting, Name: "hostname"}, Value: state.Attr{Values: []string{"gru1-bmc"}}},
		{Key: state.Key{Kind: state.Setting, Name: "ipmi"}, Value: state.Attr{Values: []string{"on"}}},
	}
	if try {
		out, err := c.Set(t.Context(), []bmc.Change{{Key: items[0].Key, Value: items[0].Value}})
		if err == nil || !errors.Is(out[0].Err, state.ErrUnsupported) {
			t.Fatalf("it was to refuse: %+v", out)
		}
	}
	want, err := state.NewSet("gru1", items)
	if err != nil {
		t.Fatal(err)
	}
	facts := c.Read(t.Context(), items)
	p := provision.Planned{Plan: plan.Diff(want, state.NewFacts(facts))}
	var b strings.Builder
	for _, f := range facts {
		fmt.Fprintf(&b, "%s = %v, %v\n", f.Key, f.Value, f.Err)
	}
	fmt.Fprintf(&b, "digest %s, exit %d", p.Plan.Digest(), planCode(p))
	return b.String()
}

// TestLinkFilesChangeNothing: a laptop that has applied, and was refused, says
// what CI says, which has no cache, or one that a stranger has filled.
func TestLinkFilesChangeNothing(t *testing.T) {
	target := controllerThatRefuses(t)
	key := filepath.Join(t.TempDir(), "config", "links.key")
	laptop := filepath.Join(t.TempDir(), "bmc")
	planWith(t, target, openLinkFiles(laptop, key), true)
	names := filesIn(t, laptop)
	if len(names) != 1 {
		t.Fatalf("files %v", names)
	}
	sealed, err := os.ReadFile(filepath.Join(laptop, names[0]))
	if err != nil {
		t.Fatal(err)
	}
	bare := planWith(t, target, nil, false)
	if !strings.Contains(bare, "exit 2") {
		t.Errorf("without a cache: %s", bare)
	}
	foreign := openLinkFiles(filepath.Join(t.TempDir(), "theirs"), filepath.Join(t.TempDir(), "their.key"))
	planWith(t, target, foreign, true)
	theirs := foreign.Load(names[0])
	for name, text := range map[string][]byte{
		"with":             sealed,
		"without":          nil,
		"stale":            bytes.Replace(sealed, []byte("/eth0"), []byte("/eth7"), 1),
		"damaged":          sealed[:len(sealed)-9],
		"damaged: empty":   {},
		"damaged: endless": bytes.Repeat([]byte("0"), 10*bmc.MaxLinks),
		"hostile":          theirs,
		"hostile: as once": []byte(`{"` + target.Fingerprint + `":{"refused hostname":"0|2026-11-24|because"}}`),
	} {
		links := openLinkFiles(filepath.Join(t.TempDir(), "bmc"), key)
		if text != nil {
			links.Store(names[0], text)
		}
		for range 2 {
			if got := planWith(t, target, links, false); got != bare {
				t.Errorf("%s: %s\nwithout: %s", name, got, bare)
			}
		}
		if again := links.Load(names[0]); !bytes.Equal(again, sealed) {
			t.Errorf("%s: the cache was not mended: %q", name, again)
		}
	}
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range files {
		out = append(out, f.Name())
	}
	return out
}

// TestLinkFilesAtOnce: two runs on different controllers lose nothing, and no
// reader sees half a file.
func TestLinkFilesAtOnce(t *testing.T) {
	dir, key := filepath.Join(t.TempDir(), "bmc"), filepath.Join(t.TempDir(), "links.key")
	var all sync.WaitGroup
	entry := func(i int) []byte { return bytes.Repeat([]byte{byte('a' + i%26)}, 4<<10) }
	for i := range 64 {
		all.Go(func() {
			l := openLinkFiles(dir, key)
			l.Store(fmt.Sprintf("%02x", i), entry(i))
			if got := l.Load(fmt.Sprintf("%02x", i/2)); len(got) > 0 && !bytes.Equal(got, entry(i/2)) {
				t.Errorf("half a file: %d bytes", len(got))
			}
		})
	}
	all.Wait()
	l := openLinkFiles(dir, key)
	if len(l.Key()) != linkKeySize {
		t.Errorf("the key has %d bytes", len(l.Key()))
	}
	for i := range 64 {
		if !bytes.Equal(l.Load(fmt.Sprintf("%02x", i)), entry(i)) {
			t.Errorf("entry %d is lost", i)
		}
	}
	if n := len(filesIn(t, dir)); n != 64 {
		t.Errorf("%d files", n)
	}
}

// TestLinkFilesAreBounded: neither a file nor the folder grows for ever, and
// what is no file of ours is not waited for.
func TestLinkFilesAreBounded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bmc")
	l := openLinkFiles(dir, filepath.Join(t.TempDir(), "links.key"))
	for i := range maxLinkFiles + 3 {
		l.Store(fmt.Sprintf("%04x", i), []byte("x"))
	}
	if n := len(filesIn(t, dir)); n != maxLinkFiles {
		t.Errorf("%d files", n)
	}
	if runtime.GOOS == "windows" {
		return
	}
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("of somebody else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "ff")); err != nil {
		t.Fatal(err)
	}
	if got := l.Load("ff"); got != nil {
		t.Errorf("a link was followed: %q", got)
	}
	l.Store("ff", []byte("ours"))
	if got, _ := os.ReadFile(outside); string(got) != "of somebody else" {
		t.Errorf("written through a link: %q", got)
	}
	if nobody := openLinkFiles("", ""); nobody.Load("ff") != nil {
		t.Error("there is no folder")
	}
}

// TestNoLinksForRehearsals: what every verb starts from remembers nothing; only
// the way to the real site adds the files.
func TestNoLinksForRehearsals(t *testing.T) {
	g, _ := quiet()
	o, err := g.options("gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if o.Links != nil {
		t.Error("a rehearsal would be remembered")
	}
}
