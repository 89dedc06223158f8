package redfish_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/redfish"
)

// live is how much memory is in use.
func live() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestSize: whatever an answer of few bytes is made of, what it takes once it is
// decoded is known before, and bounded.
func TestSize(t *testing.T) {
	for name, one := range map[string]string{
		"numbers": `0`, "lists": `[]`, "lists of one": `[0]`, "objects": `{}`, "objects of one": `{"":0}`, "objects of nine": `{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0}`,
		"texts": `"a"`, "long texts": `"` + strings.Repeat("a", 50) + `"`, "commas in texts": `",,,,[[[[{{{{\",,,,"`,
	} {
		t.Run(name, func(t *testing.T) {
			per := max(1, strings.Count(one, ",")+strings.Count(one, "{")+strings.Count(one, "[")+1)
			body := []byte(`{"Id":"x","X":[` + strings.TrimSuffix(strings.Repeat(one+",", 50_000/per), ",") + `]}`)
			before := live()
			d, err := redfish.Decode(body)
			if err != nil {
				t.Fatal(err)
			}
			took := live() - before
			runtime.KeepAlive(body)
			if took > d.Size()+1<<16 {
				t.Errorf("%d bytes take %d, and say %d", len(body), took, d.Size())
			}
			runtime.KeepAlive(d)
		})
	}
	many := `{"X":[` + strings.Repeat("0,", redfish.MaxValues) + `0]}`
	if d, err := redfish.Decode([]byte(many)); err == nil || !strings.Contains(err.Error(), "values") {
		t.Errorf("%d values, %v", len(d.List("X")), err)
	}
}
