package plan_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/state"
)

// planned is a plan with one change of each action.
func planned(t *testing.T) plan.Plan {
	t.Helper()
	return plan.Diff(set(t,
		state.Item{Key: key(state.Path, "/etc/a"), Value: file("planted-secret", state.Confidential), Effect: state.Effect{Name: state.ResetsPassword}},
		state.Item{Key: key(state.Path, "/etc/b"), Value: file("text of b", state.Public)},
	), facts(
		state.Fact{Key: key(state.Path, "/etc/a"), Value: seen("old planted-secret", "1-2-3", state.Confidential)},
		state.Fact{Key: key(state.Path, "/etc/b")},
		state.Fact{Key: key(state.Path, "/etc/c"), Value: state.File{}},
	))
}

func TestSaveAndOpen(t *testing.T) {
	p := planned(t)
	data, err := plan.Save(p, "sites/gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	have, err := plan.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	want := plan.Saved{Schema: 3, Site: "gru1", Source: "sites/gru1.hcl", Wants: have.Wants, Digest: p.Digest(), Changes: []plan.SavedChange{
		{Key: "file /etc/a", Action: plan.Update, Effect: "session-reset.password"},
		{Key: "file /etc/b", Action: plan.Create},
		{Key: "file /etc/c", Action: plan.Delete},
	}}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	again, err := plan.Save(planned(t), "sites/gru1.hcl")
	if err != nil || !bytes.Equal(data, again) {
		t.Errorf("the same plan gives other bytes, %v:\n%s", err, cmp.Diff(string(data), string(again)))
	}
	for _, word := range []string{"planted-secret", "text of b"} {
		if bytes.Contains(data, []byte(word)) {
			t.Errorf("the file holds %q", word)
		}
	}
}

func TestSaveOfNoChanges(t *testing.T) {
	data, err := plan.Save(plan.Diff(set(t), facts()), "gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `"changes": []`) {
		t.Errorf("no list of changes in\n%s", data)
	}
	if _, err := plan.Open(data); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	good, err := plan.Save(planned(t), "gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, text string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("no %q to replace", old)
		}
		return bytes.Replace(good, []byte(old), []byte(text), 1)
	}
	digest := planned(t).Digest()
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "not a plan file: unexpected end of JSON input"},
		{"no JSON", []byte("site \"gru1\" {"), "not a plan file: invalid character 's' looking for beginning of value"},
		{"cut off", good[:len(good)/2], "not a plan file: unexpected end of JSON input"},
		{"two plans", append(bytes.Clone(good), good...), "not a plan file: invalid character '{' after top-level value"},
		{"another type", replace(`"gru1"`, "7"), "not a plan file: json: cannot unmarshal number into Go struct field Saved.site of type string"},
		{"a later schema", replace(`"schema": 3`, `"schema": 4`), "not a plan file: schema 4, this raiz reads 3"},
		{"no schema", replace(`"schema": 3,`, ""), "not a plan file: schema 0, this raiz reads 3"},
		{"no site", replace(`"gru1"`, `""`), "not a plan file: site, source or a digest is missing"},
		{"digest cut off", replace(digest, digest[:12]), "not a plan file: site, source or a digest is missing"},
		{"no source", replace(`"gru1.hcl"`, `""`), "not a plan file: site, source or a digest is missing"},
		{"nothing that it wants", replace(`"wants": "`, `"wants": "0`), "not a plan file: site, source or a digest is missing"},
		{"no digest at all", replace(digest, strings.Repeat("z", 64)), "not a plan file: site, source or a digest is missing"},
		{"too large", append(bytes.Clone(good), bytes.Repeat([]byte(" "), 1<<20)...), "not a plan file: over 1048576 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			saved, err := plan.Open(tt.data)
			if !errors.Is(err, plan.ErrSaved) || err.Error() != tt.want {
				t.Errorf("got error %v, want %s", err, tt.want)
			}
			if diff := cmp.Diff(plan.Saved{}, saved); diff != "" {
				t.Errorf("a refused file gives (-want +got):\n%s", diff)
			}
		})
	}
}

// The bytes of a plan file come from wherever CI kept them: Open never
// panics, and what it takes is a plan.
func FuzzOpen(f *testing.F) {
	good, err := plan.Save(plan.Plan{Site: "gru1"}, "gru1.hcl")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"digest": ""`), []byte(`"digest": "`+strings.Repeat("0", 64)+`"`), 1))
	f.Add([]byte(`{"schema":3,"site":"a","changes":null}`))
	f.Add([]byte("[1]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		saved, err := plan.Open(data)
		switch {
		case err != nil && !errors.Is(err, plan.ErrSaved):
			t.Errorf("error is not ErrSaved: %v", err)
		case err == nil && (saved.Site == "" || len(saved.Digest) != 64 || saved.Schema != 3):
			t.Errorf("took %+v", saved)
		}
	})
}

// A list that somebody has replaced does not go with the digest.
func TestSavedListIsBound(t *testing.T) {
	p := planned(t)
	text, err := plan.Save(p, "gru1.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for replace, ok := range map[string]bool{"": true, "/etc/a": false, "create": false} {
		altered := text
		if replace != "" {
			altered = bytes.Replace(text, []byte(replace), []byte("harmless"), 1)
		}
		saved, err := plan.Open(altered)
		if err != nil {
			t.Fatal(err)
		}
		if err := saved.Check(p); (err == nil) != ok {
			t.Errorf("with %q replaced: %v", replace, err)
		}
	}
}
