//go:build linux

package provision_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/verify"
	"github.com/raiz-dns/raiz/provision/watch"
)

// fleet are copies of one block, to which the same happens.
type fleet []*bed

// each does something to every copy.
func (f fleet) each(do func(b *bed)) {
	for _, b := range f {
		do(b)
	}
}

// raise waits until every copy has an alarm, or none has it. None of them is to
// be withdrawn meanwhile.
func (f fleet) raise(code watch.TroubleCode, raised bool) {
	t := f[0].t
	t.Helper()
	f[0].until(90*time.Second, fmt.Sprintf("alarm %s %t", code, raised), func() error {
		for i, b := range f {
			if err := b.announced(true)(); err != nil {
				t.Fatalf("copy %d was withdrawn: %v", i, err)
			}
			s, err := watch.ReadStatus([]byte(b.on(b.Server, "cat", watch.StatusFile)))
			if err != nil {
				return err
			}
			if is := slices.ContainsFunc(s.Alarms, func(a watch.Trouble) bool { return a.Code == code }); is != raised {
				return fmt.Errorf("copy %d has alarms %v", i, s.Alarms)
			}
		}
		return nil
	})
}

// TestNobodyRefreshes: what one broken distribution system, or one broken time
// service, does to every copy of a letter at once withdraws none. The guards say
// so, and go on until the zone has expired. RAIZ_COPIES is how many copies there
// are: make soak has three.
func TestNobodyRefreshes(t *testing.T) {
	t.Parallel()
	var f fleet
	for range number("RAIZ_COPIES", 1) {
		b := newBed(t, "../sites/root-example.hcl")
		b.mustApply(b.Site)
		f = append(f, b)
	}
	f.each(func(b *bed) {
		b.until(settle, "the announcement", b.announced(true))
		served, err := b.Primary.Quicken(t.Context(), ".")
		b.must(err)
		b.until(time.Minute, "the zone", b.serves(served.Serial))
	})
	f.each(func(b *bed) { b.must(b.Primary.Stop(t.Context())) })
	f.raise(watch.TroubleStale, true)
	f.each(func(b *bed) {
		b.must(b.Primary.Start(t.Context()))
		_, err := b.Primary.Corrupt(t.Context(), ".", rehearse.Flaws()[0])
		b.must(err)
	})
	f.raise(watch.TroubleUnproven, true)
	f.each(func(b *bed) { b.sh("systemctl stop chrony.service") })
	f.raise(watch.TroubleClock, true)
	f.each(func(b *bed) {
		said := b.verifyUntil(b.Site, map[string]verify.Status{
			"guard.alarms": verify.Warn, "unit.chrony.service": verify.Fail, "dns.serial..": verify.Warn, // what is refused is newer
		})
		if len(said) == 0 {
			t.Error("verify says nothing")
		}
	})
	f.each(func(b *bed) { b.sh("systemctl start chrony.service") })
	f.raise(watch.TroubleClock, false)
	f.each(func(b *bed) {
		_, err := b.Primary.Bump(t.Context(), ".")
		b.must(err)
	})
	f.raise(watch.TroubleUnproven, false)
	f.raise(watch.TroubleStale, false)
	f[0].withdrawsWhatIsStale()
}

// withdrawsWhatIsStale has a copy withdraw where the site wants that.
func (b *bed) withdrawsWhatIsStale() {
	strict := *b.Site
	strict.PackOptions = map[string]map[string]any{"guard": {"on_stale": "withdraw", "damping": int64(0)}}
	b.mustApply(&strict)
	b.until(settle, "the announcement", b.announced(true))
	served, err := b.Primary.Quicken(b.t.Context(), ".")
	b.must(err)
	b.until(time.Minute, "the zone", b.serves(served.Serial))
	b.still()
	b.must(b.Primary.Stop(b.t.Context()))
	b.until(90*time.Second, "the withdrawal of what is stale", b.announced(false))
	b.must(b.Primary.Start(b.t.Context()))
	b.until(90*time.Second, "the announcement of what is fresh", b.announced(true))
}
