package site_test

import (
	"os"
	"testing"

	"github.com/raiz-dns/raiz/provision/site"
)

func operators() site.Options { return site.Options{Operators: os.DirFS("../../templates/operators")} }

func TestExampleSites(t *testing.T) {
	sites, diags := site.Load(os.DirFS("../.."), "sites", operators())
	for _, d := range diags {
		t.Errorf("%s:%d:%d: %s [%s]: %s\n\t%s", d.Pos.File, d.Pos.Line, d.Pos.Column, d.Summary, d.Rule, d.Detail, d.Source)
	}
	for _, s := range sites {
		t.Log(s.Name, s.DNS.Zones, s.Anycast, s.Server, s.BMC)
		for _, d := range s.MissingSecrets() {
			t.Log(d)
		}
	}
}
