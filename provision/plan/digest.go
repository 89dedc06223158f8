package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"

	"github.com/raiz-dns/raiz/provision/state"
)

// The text that a digest is made of. Nobody reads it.

func digestSite(sum hash.Hash, site string) { fmt.Fprintf(sum, "raiz plan 5 %q\n", site) }

func digestDelete(sum hash.Hash, fact state.Fact) {
	fmt.Fprintf(sum, "delete %q %s\n", fact.Key, haveText(fact.Value))
}

func digestWanted(sum hash.Hash, it state.Item) {
	fmt.Fprintf(sum, "want %q %s\n", it.Key, wantText(it.Value))
	// How a change takes effect is reviewed with it: a pack that runs another
	// command has moved the plan, although the bytes are the same.
	e := it.Effect
	fmt.Fprintf(sum, "effect %q %d %q %q %q %q %q\n", e.Component, e.Order, e.Unit, e.How, e.Command, e.Check, e.Name)
	if r := e.Runtime; r != nil {
		fmt.Fprintf(sum, "runtime %+v %q %q %q %q\n", r.Sysctls, r.Shows, r.Settings, r.Loads, r.Clears)
	}
}

func digestItem(sum hash.Hash, it state.Item, fact state.Fact) {
	digestWanted(sum, it)
	// Only where there is any, so that plans of other sites keep their digest.
	if fact.AtReboot {
		fmt.Fprintf(sum, "at reboot\n")
	}
	if fact.Pending != nil {
		fmt.Fprintf(sum, "pending %s\n", haveText(fact.Pending))
	}
	if fact.Queued != "" {
		fmt.Fprintf(sum, "queued\n")
	}
	switch {
	case fact.Err != nil:
		fmt.Fprintf(sum, "have unknown %t\n", fact.Unsupported())
	case fact.Value == nil:
		fmt.Fprint(sum, "have nothing\n")
	default:
		fmt.Fprintf(sum, "have %s equal %t\n", haveText(fact.Value), it.Value.Equal(fact.Value))
	}
}

// Wants identifies what a site wants, whatever any machine has: who comes with a
// plan can be told that it is of other site files before anybody is contacted.
// It depends on no secret.
func Wants(want *state.Set) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "raiz wants 1 %q\n", want.Site())
	for it := range want.All() {
		digestWanted(sum, it)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// wantText tells wanted values apart without telling a secret.
func wantText(v state.Value) string {
	if f, ok := v.(state.File); ok {
		if f.Secret {
			return fmt.Sprintf("secret file %o %q %q", f.Mode, f.Owner, f.Group)
		}
		return fmt.Sprintf("file %o %q %q %x", f.Mode, f.Owner, f.Group, f.Sum)
	}
	return plainText(v)
}

func haveText(v state.Value) string {
	if f, ok := v.(state.File); ok && f.Secret {
		return fmt.Sprintf("secret file %o %q %q %q", f.Mode, f.Owner, f.Group, f.Token)
	}
	return wantText(v)
}

func plainText(v state.Value) string {
	switch v := v.(type) {
	case state.Attr:
		quoted := make([]string, len(v.Values))
		for i, s := range v.Values {
			quoted[i] = fmt.Sprintf("%q", s)
		}
		return "attr " + strings.Join(quoted, " ")
	case state.Service:
		return fmt.Sprintf("service enabled=%t active=%t", v.Enabled, v.Active)
	}
	panic(fmt.Sprintf("plan: no text for %T", v))
}
