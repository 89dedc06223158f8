package provision

import (
	"testing"

	"github.com/raiz-dns/raiz/provision/site"
)

// FuzzDeclared: what a generation on the server says of itself changes a copy of
// the site, or nothing.
func FuzzDeclared(f *testing.F) {
	f.Add([]byte(`{"Identity":"a","Zones":[{"Name":"."}],"Services":[["192.0.2.1"]]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := &site.Site{Name: "gru1"}
		out, err := declaredBy(s, text)
		if (out == nil) == (err == nil) || s.DNS.Identity != "" || len(s.Anycast) > 0 || out != nil && out.Name != "gru1" {
			t.Errorf("got %v, %v, and the site %v", out, err, s)
		}
	})
}
