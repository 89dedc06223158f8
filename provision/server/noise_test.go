package server_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/raiz-dns/raiz/provision/server"
)

// What a login prints is told from what a helper says; nothing that looks
// nearly like it is taken for a helper.
func TestAfterNoise(t *testing.T) {
	const event, answer = `{"event":"armed","at":"2026-01-01T00:00:00Z"}` + "\n", `{"raiz":1,"done":true}` + "\n"
	long := strings.Repeat("0123456\n", server.MaxNoise/8)
	for _, tt := range []struct{ name, noise, rest string }{
		{"none", "", event + answer},
		{"a line", "hello\n", answer},
		{"no whole line", "hello", event + answer},
		{"JSON of somebody else", `{"event":"login","at":"now"}` + "\n" + `{"raiz":"one","done":true}` + "\n", answer},
		{"as much as is passed over", long, answer},
		{"another version", "hello\n", `{"raiz":12,"done":true}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			noise, rest := server.AfterNoise([]byte(tt.noise + tt.rest))
			if string(noise) != tt.noise || string(rest) != tt.rest {
				t.Errorf("%d bytes of noise, the rest is %.80q", len(noise), rest)
			}
		})
	}
	for _, all := range []string{"", "hello\n", long + "x" + answer, `{"raiz":`} {
		if noise, rest := server.AfterNoise([]byte(all)); noise != nil || string(rest) != all {
			t.Errorf("of %.20q: %d bytes of noise", all, len(noise))
		}
	}
}

// FuzzAfterNoise: nothing is lost, and what a helper said is left as it is.
func FuzzAfterNoise(f *testing.F) {
	f.Add([]byte("hello\n"), []byte(`{"raiz":1,"done":true}`+"\n"))
	f.Fuzz(func(t *testing.T, before, said []byte) {
		all := bytes.Join([][]byte{before, said}, nil)
		noise, rest := server.AfterNoise(all)
		if !bytes.Equal(append(bytes.Clone(noise), rest...), all) || len(noise) > server.MaxNoise {
			t.Errorf("of %d bytes %d and %d are left", len(all), len(noise), len(rest))
		}
	})
}
