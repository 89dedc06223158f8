package site_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/raiz-dns/raiz/provision/site"
)

// FuzzEdit: laying a file out twice is as laying it out once, and a pin that was
// written is there.
func FuzzEdit(f *testing.F) {
	for _, name := range []string{"../../sites/as112-gru1.hcl", "testdata/base.hcl"} {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("site \"gru1\" {\n  bmc {\n  }\n  server { }\n}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		once, diags := site.Format(text)
		if again, _ := site.Format(once); !diags.HasErrors() && !bytes.Equal(once, again) {
			t.Errorf("laid out twice:\n%q\n%q", once, again)
		}
		const pin = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		out, diags := site.Enroll(text, "gru1", site.Pins{Certificate: pin}, site.ReplacePinned)
		if !diags.HasErrors() && !bytes.Contains(out, []byte(pin)) {
			t.Errorf("the pin is not there: %q", out)
		}
	})
}
