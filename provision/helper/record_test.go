package helper

import (
	"encoding/json"
	"testing"
)

// FuzzRecord: a record on the disk of the server is that of its generation, or
// no record.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"number":3}`))
	f.Add([]byte(`{"Number":3,"number":4}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		h := &Helper{o: Options{Decode: json.Unmarshal}}
		if r, err := h.recordIn(3, text); err == nil && r.Number != 3 {
			t.Errorf("took the record of %d", r.Number)
		}
	})
}
