//go:build linux

package blackbox_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/server"
)

func TestApplyAndConfirm(t *testing.T) {
	each(t, func(t *testing.T, b *box) {
		b.stand(t)
		old := b.effect(t)
		r := b.apply(t, change())
		r.is(t, 2, server.Active)
		if len(r.events) < 3 || r.events[0] != server.Staged || r.events[1] != server.Armed {
			t.Errorf("steps %q", r.events)
		}
		want := []string{"disable old.service", "enable bgp.service", "reload-or-restart dns.service", "restart bgp.service"}
		if diff := cmp.Diff(want, b.acted(t)); diff != "" {
			t.Errorf("units (-want +got):\n%s", diff)
		}
		b.confirm(t, 2).is(t, 2, server.Confirmed)
		b.same(t, b.changed(t, change(), old))
		b.clean(t)
		if got := b.last(t); !got.Current || got.State != server.Confirmed {
			t.Errorf("history says %+v", got)
		}
		// A client whose answer was lost asks again, and is told the same.
		b.confirm(t, 2).is(t, 2, server.Confirmed)
		b.keepGeneration(t, 3, again(change()))
		if got := b.acted(t); len(got) > 0 {
			t.Errorf("a generation that changes nothing has %q", got)
		}
	})
}
