package harm_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/raiz-dns/raiz/provision/harm"
)

// The table is whole: each harm has a name of its own, patterns that are some, and
// nothing that was left to be filled in.
func TestTable(t *testing.T) {
	all, err := harm.Table(os.DirFS("../testdata"), "harm.json", map[string]string{"v4": "192.0.2.1", "v6": "2001:db8::1"})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 60 {
		t.Errorf("%d harms", len(all))
	}
	seen := map[string]bool{}
	for _, h := range all {
		if seen[h.Name] {
			t.Errorf("%q is there twice", h.Name)
		}
		seen[h.Name] = true
		for _, pattern := range []string{h.Sees, h.Also} {
			if _, err := regexp.Compile(pattern); err != nil {
				t.Errorf("%s: %v", h.Name, err)
			}
		}
		if strings.Contains(h.Do+h.Undo+h.Sees, "{v") {
			t.Errorf("%s is not filled in", h.Name)
		}
	}
}

func TestTableRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":         `[`,
		"no name":         `[{"class":"bmc","do":"x","sees":"y"}]`,
		"nothing done":    `[{"name":"a","class":"bmc","sees":"y"}]`,
		"nobody sees it":  `[{"name":"a","class":"bmc","do":"x"}]`,
		"seen and missed": `[{"name":"a","class":"bmc","do":"x","sees":"y","missed":"z"}]`,
	} {
		if _, err := harm.Table(fstest.MapFS{"t": {Data: []byte(text)}}, "t", nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
