package sim

import (
	"fmt"
	"testing"

	"github.com/raiz-dns/raiz/provision/helper"
	"github.com/raiz-dns/raiz/provision/helper/promise"
	"github.com/raiz-dns/raiz/provision/server"
)

func code() Code {
	o := helper.Options{Program: "/usr/local/lib/raiz/helper"}
	return Code{
		Programs: Programs{
			Activate: func(os helper.OS) error { return helper.New(os, o).Activate() },
			Revert:   func(os helper.OS) error { return helper.New(os, o).RevertPending() },
			Boot:     func(os helper.OS) error { return helper.New(os, o).Boot() },
		},
		Handle: func(os helper.OS, r server.Request, tell func(server.Event)) server.Answer {
			return helper.New(os, o).Handle(r, tell)
		},
	}
}

var first = Want{Edition: 1, Address: "192.0.2.20/28", Gateway: realGateway, DNS: "nsd", Guard: true}

func TestFirst(t *testing.T) {
	for _, s := range Starts() {
		t.Run(string(s), func(t *testing.T) {
			x := &Case{Name: "first", Start: s, Sides: []Side{{Want: first}}, Code: code()}
			b, err := x.before()
			if err != nil {
				t.Fatal(err)
			}
			w := x.begin(b)
			var out []string
			w.m.trace = func(l string) { out = append(out, l) }
			w.rest()
			seen := w.seen()
			bad := false
			for _, p := range promise.All() {
				if err := p.Holds(seen); err != nil {
					t.Errorf("%s: %v", p.Name, err)
					bad = true
				}
			}
			if seen.Current != 1 {
				t.Errorf("told %q %s", w.sides[0].told, w.sides[0].said)
				bad = true
			}
			if bad {
				for _, l := range out {
					fmt.Println(l)
				}
			}
			t.Logf("%+v calls %d", seen, w.m.calls)
		})
	}
}
