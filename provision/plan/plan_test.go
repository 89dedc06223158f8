package plan_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/state"
)

func key(kind state.Kind, name string) state.Key { return state.Key{Kind: kind, Name: name} }

func set(t *testing.T, items ...state.Item) *state.Set {
	t.Helper()
	s, err := state.NewSet("gru1", items)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func facts(fs ...state.Fact) *state.Facts { return state.NewFacts(fs) }

func file(text string, secrecy state.Secrecy) state.File {
	return state.NewFile(0o640, "root", "bird", []byte(text), secrecy)
}

// seen is a file as a probe answers: a secret one has a token and no bytes.
func seen(text, token string, secrecy state.Secrecy) state.File {
	f := file(text, secrecy)
	f.Token = token
	if secrecy == state.Confidential {
		f.Data = nil
	}
	return f
}

var errNoAnswer = errors.New("no answer")

func TestDiff(t *testing.T) {
	conf, unit := key(state.Path, "/etc/bird/bird.conf"), key(state.Unit, "bird.service")
	effect := func() state.Effect {
		return state.Effect{Component: "bird", Order: 5, Unit: "bird.service", How: state.Reload, Name: state.ResetsChanged}
	}
	unsupported := fmt.Errorf("not on this model: %w", state.ErrUnsupported)
	tests := []struct {
		name string
		want state.Item
		have state.Fact
		plan plan.Plan
	}{
		{"as wanted",
			state.Item{Key: conf, Value: file("a", state.Public), Effect: effect()},
			state.Fact{Key: conf, Value: file("a", state.Public)},
			plan.Plan{Site: "gru1"}},
		{"absent",
			state.Item{Key: conf, Value: file("a", state.Public), Effect: effect()},
			state.Fact{Key: conf},
			plan.Plan{Site: "gru1", Changes: []plan.Change{{Key: conf, Action: plan.Create, After: file("a", state.Public), Effect: effect()}}}},
		{"other",
			state.Item{Key: conf, Value: file("a", state.Public), Effect: effect()},
			state.Fact{Key: conf, Value: file("b", state.Public)},
			plan.Plan{Site: "gru1", Changes: []plan.Change{{Key: conf, Action: plan.Update, Before: file("b", state.Public), After: file("a", state.Public), Effect: effect()}}}},
		{"a link in place of a file",
			state.Item{Key: conf, Value: file("a", state.Public)},
			state.Fact{Key: conf, Value: state.Text("link to /tmp/x")},
			plan.Plan{Site: "gru1", Changes: []plan.Change{{Key: conf, Action: plan.Update, Before: state.Text("link to /tmp/x"), After: file("a", state.Public)}}}},
		{"stopped",
			state.Item{Key: unit, Value: state.Service{Enabled: true, Active: true}},
			state.Fact{Key: unit, Value: state.Service{Enabled: true}},
			plan.Plan{Site: "gru1", Changes: []plan.Change{{Key: unit, Action: plan.Update, Before: state.Service{Enabled: true}, After: state.Service{Enabled: true, Active: true}}}}},
		{"unknown",
			state.Item{Key: conf, Value: file("a", state.Public)},
			state.Fact{Key: conf, Err: errNoAnswer},
			plan.Plan{Site: "gru1", Unknown: []state.Fact{{Key: conf, Err: errNoAnswer}}}},
		{"unknown, although there is a value",
			state.Item{Key: conf, Value: file("a", state.Public)},
			state.Fact{Key: conf, Value: file("a", state.Public), Err: errNoAnswer},
			plan.Plan{Site: "gru1", Unknown: []state.Fact{{Key: conf, Value: file("a", state.Public), Err: errNoAnswer}}}},
		{"unsupported",
			state.Item{Key: key(state.Setting, "ipv6.address"), Value: state.Text("2001:db8::10/64")},
			state.Fact{Key: key(state.Setting, "ipv6.address"), Err: unsupported},
			plan.Plan{Site: "gru1", Unsupported: []state.Fact{{Key: key(state.Setting, "ipv6.address"), Err: unsupported}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have := plan.Diff(set(t, tt.want), facts(tt.have))
			if diff := cmp.Diff(tt.plan, have, cmpopts.IgnoreUnexported(plan.Plan{}), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			unknown, changed := len(tt.plan.Unknown) > 0, len(tt.plan.Changes) > 0
			if have.Empty() != (!changed && !unknown) || have.Applicable() != !unknown {
				t.Errorf("empty %t, applicable %t", have.Empty(), have.Applicable())
			}
		})
	}
}

// What nobody looked at is unknown, even when nobody says so.
func TestDiffOfNoFacts(t *testing.T) {
	have := plan.Diff(set(t, state.Item{Key: key(state.Path, "/a"), Value: file("a", state.Public)}), facts())
	if have.Empty() || have.Applicable() || len(have.Unknown) != 1 || len(have.Changes) != 0 {
		t.Errorf("got %+v", have)
	}
}

func TestDiffDeletesWhatIsWantedNoMore(t *testing.T) {
	orphan, gone, unknown := key(state.Path, "/etc/a"), key(state.Path, "/etc/b"), key(state.Path, "/etc/c")
	have := plan.Diff(set(t, state.Item{Key: key(state.Path, "/etc/z"), Value: file("z", state.Public)}), facts(
		state.Fact{Key: key(state.Path, "/etc/z")},
		state.Fact{Key: orphan, Value: state.File{}},
		state.Fact{Key: gone},
		state.Fact{Key: unknown, Err: errNoAnswer},
	))
	want := []plan.Change{
		{Key: orphan, Action: plan.Delete, Before: state.File{}},
		{Key: key(state.Path, "/etc/z"), Action: plan.Create, After: file("z", state.Public)},
	}
	if diff := cmp.Diff(want, have.Changes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPlanOfAndRisk(t *testing.T) {
	p := plan.Diff(set(t,
		state.Item{Key: key(state.Path, "/a"), Value: file("a", state.Public), Effect: state.Effect{Name: state.ResetsPassword}},
		state.Item{Key: key(state.Unit, "u"), Value: state.Service{Active: true}},
	), facts(state.Fact{Key: key(state.Path, "/a")}, state.Fact{Key: key(state.Unit, "u")}))
	if n := len(p.Of(state.Path)); n != 1 || p.Of(state.Live) != nil {
		t.Errorf("%d files, %v live", n, p.Of(state.Live))
	}
	if !p.Risk(state.SessionReset) || p.Risk(state.MayCutAccess) {
		t.Errorf("session-reset %t, may-cut-access %t", p.Risk(state.SessionReset), p.Risk(state.MayCutAccess))
	}
}

// situation is a wanted and an observed side, made anew each time.
type situation struct {
	text, secretText    string
	mode                fs.FileMode
	seenText, seenToken string
	seenErr             error
	absent, running     bool
	orphan              bool
	site                string
	effect              state.Effect
}

func usual() situation {
	return situation{text: "a", secretText: "hunter2", mode: 0o640, seenText: "b", seenToken: "11-22-33", site: "gru1"}
}

func (s situation) plan(t *testing.T) plan.Plan {
	t.Helper()
	open, closed, unit := key(state.Path, "/etc/open"), key(state.Path, "/etc/closed"), key(state.Unit, "u")
	want, err := state.NewSet(s.site, []state.Item{
		{Key: open, Value: state.NewFile(s.mode, "root", "root", []byte(s.text), state.Public), Effect: s.effect},
		{Key: closed, Value: file(s.secretText, state.Confidential)},
		{Key: unit, Value: state.Service{Enabled: true, Active: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	have := []state.Fact{
		{Key: open, Value: seen(s.seenText, "9-9-9", state.Public), Err: s.seenErr},
		{Key: closed, Value: seen("what stood there", s.seenToken, state.Confidential)},
		{Key: unit, Value: state.Service{Enabled: true, Active: s.running}},
	}
	if s.absent {
		have[0].Value = nil
	}
	if s.orphan {
		have = append(have, state.Fact{Key: key(state.Path, "/etc/orphan"), Value: state.File{}})
	}
	return plan.Diff(want, facts(have...))
}

// The digest binds what was reviewed to both sides. It moves with each of
// them, and with the token of a secret file, but not with what is secret: a
// digest of a short password is as good as the password.
func TestDigest(t *testing.T) {
	before := usual().plan(t).Digest()
	if len(before) != 64 {
		t.Fatalf("digest is %q", before)
	}
	tests := []struct {
		name   string
		change func(*situation)
		moves  bool
	}{
		{"nothing", func(*situation) {}, false},
		{"the site", func(s *situation) { s.site = "gru2" }, true},
		{"what is wanted", func(s *situation) { s.text = "c" }, true},
		{"how it is wanted", func(s *situation) { s.mode = 0o600 }, true},
		{"the unit it concerns", func(s *situation) { s.effect.Unit = "bird.service" }, true},
		{"how it takes effect", func(s *situation) { s.effect.How = state.Restart }, true},
		{"its place in the order", func(s *situation) { s.effect.Order = 3 }, true},
		{"the command that is run", func(s *situation) { s.effect.Command = []string{"nsd-control", "reload"} }, true},
		{"the words of that command", func(s *situation) { s.effect.Command = []string{"nsd-control reload"} }, true},
		{"what checks it", func(s *situation) { s.effect.Check = []string{"true"} }, true},
		{"what it does to the service", func(s *situation) { s.effect.Name = state.ResetsEvery }, true},
		{"its component", func(s *situation) { s.effect.Component = "frr" }, true},
		{"what stands there", func(s *situation) { s.seenText = "c" }, true},
		{"nothing stands there", func(s *situation) { s.absent = true }, true},
		{"nobody knows what stands there", func(s *situation) { s.seenErr = errNoAnswer }, true},
		{"it cannot be there", func(s *situation) { s.seenErr = state.ErrUnsupported }, true},
		{"the service runs", func(s *situation) { s.running = true }, true},
		{"a file that is wanted no more", func(s *situation) { s.orphan = true }, true},
		{"somebody has written to the secret file", func(s *situation) { s.seenToken = "11-22-34" }, true},
		{"the secret itself", func(s *situation) { s.secretText = "correct horse" }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := usual()
			tt.change(&s)
			if after := s.plan(t).Digest(); (after != before) != tt.moves {
				t.Errorf("moved %t, want %t", after != before, tt.moves)
			}
		})
	}
}

// Unknown and unsupported are told apart by the digest as well.
func TestDigestTellsUnknownFromUnsupported(t *testing.T) {
	a, b := usual(), usual()
	a.seenErr, b.seenErr = errNoAnswer, state.ErrUnsupported
	if a.plan(t).Digest() == b.plan(t).Digest() {
		t.Error("one digest for two situations")
	}
}

// No two lists may run into each other in what is digested.
func TestDigestOfLists(t *testing.T) {
	seen := map[string]string{}
	for _, values := range [][]string{nil, {""}, {"", ""}, {"a", "b"}, {"a b"}, {`a" "b`}, {"a", "b", ""}, {"a\nb"}} {
		p := plan.Diff(set(t, state.Item{Key: key(state.Setting, "ntp"), Value: state.Attr{Values: values}}), facts(state.Fact{Key: key(state.Setting, "ntp")}))
		if other, ok := seen[p.Digest()]; ok {
			t.Errorf("%q and %s have one digest", values, other)
		}
		seen[p.Digest()] = fmt.Sprintf("%q", values)
	}
}

// world makes a random wanted side and random facts for it, the same ones for
// the same seed.
func world(t *testing.T, seed uint64) (*state.Set, []state.Fact) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	value := func(kind state.Kind) state.Value {
		switch kind {
		case state.Path:
			return state.NewFile([]fs.FileMode{0o600, 0o644}[r.IntN(2)], "root", "root", []byte{byte(r.IntN(3))}, state.Secrecy(r.IntN(2) == 0))
		case state.Unit:
			return state.Service{Enabled: r.IntN(2) == 0, Active: r.IntN(2) == 0}
		}
		return state.Text([]string{"a", "b"}[r.IntN(2)])
	}
	var items []state.Item
	var have []state.Fact
	for kind := state.Setting; kind <= state.Live; kind++ {
		for i := range r.IntN(4) {
			k := key(kind, fmt.Sprint("/n", i))
			wanted := r.IntN(5) > 0 || kind != state.Path
			if wanted {
				items = append(items, state.Item{Key: k, Value: value(kind)})
			}
			f := state.Fact{Key: k}
			switch n := r.IntN(8); {
			case n == 0:
				f.Err = state.ErrUnsupported
			case n > 2:
				f.Value = value(kind)
			}
			have = append(have, f)
		}
	}
	return set(t, items...), have
}

// applied is what the facts are after a plan was carried out.
func applied(have []state.Fact, p plan.Plan) []state.Fact {
	after := map[state.Key]state.Value{}
	for _, c := range p.Changes {
		after[c.Key] = c.After
	}
	var out []state.Fact
	for _, f := range have {
		if v, changed := after[f.Key]; changed {
			f.Value = v
		}
		out = append(out, f)
	}
	return out
}

func TestApplyingAPlanLeavesNothing(t *testing.T) {
	changes := 0
	for seed := range uint64(300) {
		want, have := world(t, seed)
		p := plan.Diff(want, facts(have...))
		changes += len(p.Changes)
		again := plan.Diff(want, facts(applied(have, p)...))
		if !again.Empty() {
			t.Fatalf("seed %d: after applying it, %d changes are left: %v", seed, len(again.Changes), again.Changes)
		}
		if len(p.Changes) > 0 && again.Digest() == p.Digest() {
			t.Fatalf("seed %d: the digest is the same before and after", seed)
		}
	}
	if changes < 500 {
		t.Errorf("%d changes in all: this test looks at nothing", changes)
	}
}

func TestDiffIsPure(t *testing.T) {
	for seed := range uint64(50) {
		want, have := world(t, seed)
		want2, have2 := world(t, seed)
		a, b := plan.Diff(want, facts(have...)), plan.Diff(want2, facts(have2...))
		if diff := cmp.Diff(a, b, cmp.AllowUnexported(plan.Plan{}), cmpopts.EquateErrors()); diff != "" {
			t.Fatalf("seed %d (-first +second):\n%s", seed, diff)
		}
		if p := plan.Diff(want, asWanted(want2)); !p.Empty() || len(p.Unsupported) > 0 {
			t.Fatalf("seed %d: a world as wanted has changes: %v", seed, p.Changes)
		}
	}
}

// asWanted are the facts of a world in which everything is as wanted.
func asWanted(want *state.Set) *state.Facts {
	var out []state.Fact
	for it := range want.All() {
		out = append(out, state.Fact{Key: it.Key, Value: it.Value})
	}
	return facts(out...)
}
