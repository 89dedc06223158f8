//go:build linux

package provision_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision"
	"github.com/raiz-dns/raiz/provision/apply"
	"github.com/raiz-dns/raiz/templates"
)

// inTemplate is the text of a template in which old stands as new.
func inTemplate(t *testing.T, path, old, new string) string {
	t.Helper()
	text, err := fs.ReadFile(templates.FS(), path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", path, old)
	}
	return strings.Replace(string(text), old, new, 1)
}

// TestDaemonsOwnWords: a service that does not start says why itself, and its
// words stand in the error. systemd's say only that it did not.
func TestDaemonsOwnWords(t *testing.T) {
	t.Parallel()
	b := newBed(t, "../sites/as112-gru1.hcl")
	b.mustApply(b.Site)
	for _, tt := range []struct{ name, pack, file, old, new, words string }{
		{"NSD", "dns/nsd", "nsd.conf.tmpl", `zonesdir: "/var/lib/nsd"`, `zonesdir: "/nowhere"`, "/nowhere"},
		{"chrony", "time/chrony", "chrony.conf.tmpl", "makestep 1 3", "makestep 1 3\nuser nobodyatall", "nobodyatall"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := b.o
			o.Packs = templates.Over(templates.FS(), packWith(t, tt.pack, map[string]string{tt.file: inTemplate(t, tt.pack+"/"+tt.file, tt.old, tt.new)}))
			run := provision.New(b.Site, o)
			defer run.Close(context.Background())
			planned, err := run.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			j, err := run.Apply(t.Context(), planned, "")
			if err == nil || j.Outcome != apply.Reverted {
				t.Fatalf("outcome %q, %v", j.Outcome, err)
			}
			_, own, _ := strings.Cut(err.Error(), "it says: ")
			if !strings.Contains(own, tt.words) {
				t.Errorf("the daemon's own words are not in: %v", err)
			}
			t.Log(err)
		})
	}
}
