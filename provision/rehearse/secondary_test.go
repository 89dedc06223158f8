//go:build linux

package rehearse_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/raiz-dns/raiz/provision/rehearse"
)

// checkSecondary has a name server on the server that refreshes twice an hour:
// what it knows earlier, a NOTIFY has told it.
func (b primaryBed) checkSecondary() {
	provisionByHand(b.t, b.Testbed)
	text, err := os.ReadFile(filepath.Join("testdata", "server", "secondary.conf"))
	if err != nil {
		b.t.Fatal(err)
	}
	conf := strings.ReplaceAll(string(text), "TSIG", b.secret("transfer"))
	if err := b.Server.Write("/etc/nsd/nsd.conf", 0o644, conf); err != nil {
		b.t.Fatal(err)
	}
	mustRun(b.t, b.Server, "systemctl", "restart", "nsd.service")
	copyAt := func() (uint32, error) { return b.serial("192.175.48.1") }
	want, err := b.serial("203.0.113.9")
	if err != nil {
		b.t.Fatal(err)
	}
	eventually(b.t, "the first transfer", func() (bool, string) {
		got, err := copyAt()
		return err == nil && got == want, fmt.Sprint(got, err)
	})
	served := b.mustBump()
	eventually(b.t, "the transfer after a NOTIFY", func() (bool, string) {
		got, err := copyAt()
		return err == nil && got == served.Serial, fmt.Sprint(got, err)
	})
	// It answers only to its own primaries, and says who told it.
	eventually(b.t, "a NOTIFY of each family", func() (bool, string) {
		said := mustRun(b.t, b.Server, "journalctl", "-u", "nsd", "-o", "cat", "--no-pager")
		return strings.Contains(said, "notify for . from 203.0.113.9") && strings.Contains(said, "notify for . from 2001:db8:0:2::9"), said
	})
	b.checkExpiry(copyAt)
}

func (b primaryBed) checkExpiry(copyAt func() (uint32, error)) {
	ctx := b.t.Context()
	served, err := b.Primary.Expire(ctx, ".", rehearse.ExpirySignatures)
	if err != nil {
		b.t.Fatal(err)
	}
	if got, err := copyAt(); err != nil || got != served.Serial {
		b.t.Errorf("Expire returned before the server had serial %d: %d, %v", served.Serial, got, err)
	}
	all := b.root()
	if out, err := b.validate(all, b.Primary.AnchorFile(), "-t", served.Until.Add(-2*time.Second).UTC().Format("20060102150405")); err != nil {
		b.t.Errorf("before its signatures expire: %s", out)
	}
	if out, err := b.validate(all, b.Primary.AnchorFile(), "-t", served.Until.Add(2*time.Second).UTC().Format("20060102150405")); err == nil {
		b.t.Errorf("after its signatures have expired: %s", out)
	}
	if served, err = b.Primary.Expire(ctx, ".", rehearse.ExpirySOA); err != nil {
		b.t.Fatal(err)
	}
	if got, err := copyAt(); err != nil || got != served.Serial {
		b.t.Errorf("Expire returned before the server had serial %d: %d, %v", served.Serial, got, err)
	}
	if got, err := b.serial("203.0.113.9"); err == nil {
		b.t.Errorf("the primary of an expiring zone answers with serial %d", got)
	}
	eventually(b.t, "the end of the copy", func() (bool, string) {
		got, err := copyAt()
		return err != nil && strings.Contains(err.Error(), "SERVFAIL"), fmt.Sprint(got, err)
	})
	if late := time.Since(served.Until); late > 10*time.Second {
		b.t.Errorf("the copy ended %s after it should have", late)
	}
	if err := b.Primary.Start(ctx); err != nil {
		b.t.Fatal(err)
	}
	healed := b.mustBump()
	eventually(b.t, "the copy's return", func() (bool, string) {
		got, err := copyAt()
		return err == nil && got == healed.Serial, fmt.Sprint(got, err)
	})
}
