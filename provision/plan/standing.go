package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"

	"github.com/raiz-dns/raiz/provision/state"
	"github.com/raiz-dns/raiz/provision/verdict"
)

// Standing is what a server has that raiz did not build.
type Standing struct {
	// Foreign are paths where something stands that no generation has put
	// there.
	Foreign []string
	// Sessions are the established BGP sessions of a server without any
	// generation: files that its routing daemon did not have before reset them.
	Sessions []Session
	// Unseen is why Sessions are not known; "" where they are.
	Unseen string
}

// Session is a BGP session as the server's own daemon names it.
type Session struct {
	Name     string
	Neighbor netip.Addr // the zero Addr where it is not understood
	AS       uint32
}

// Beside is the plan with what was found beside what it manages: that is shown,
// so the digest covers it. Where nothing was, it is the same plan.
func (p Plan) Beside(found []verdict.Message) Plan {
	if len(found) == 0 {
		return p
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "beside %q\n", p.digest)
	for _, m := range found {
		fmt.Fprintf(sum, "found %q\n", m.String())
	}
	p.Found = found
	p.digest = hex.EncodeToString(sum.Sum(nil))
	return p
}

// Over is the plan with what it replaces and resets of somebody else's: that is
// shown, so the digest covers it. Where nothing is, it is the same plan.
func (p Plan) Over(s Standing) Plan {
	p.Changes = slices.Clone(p.Changes)
	sum := sha256.New()
	fmt.Fprintf(sum, "over %q\n", p.digest)
	covers := false
	for i, c := range p.Changes {
		if c.Key.Kind != state.Path || c.Action != Update || !slices.Contains(s.Foreign, c.Key.Name) {
			continue
		}
		p.Changes[i].Foreign, covers = true, true
		fmt.Fprintf(sum, "foreign %q\n", c.Key.Name)
	}
	if len(p.Changes) > 0 {
		p.Standing = s
		for _, x := range s.Sessions {
			covers = true
			fmt.Fprintf(sum, "session %q %q %d\n", x.Name, x.Neighbor, x.AS)
		}
		if s.Unseen != "" {
			covers = true
			fmt.Fprintf(sum, "unseen\n")
		}
	}
	if covers {
		p.digest = hex.EncodeToString(sum.Sum(nil))
	}
	return p
}
