package site_test

import (
	"testing"

	"github.com/raiz-dns/raiz/provision/site"
)

func TestIdentifier(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "edge1", "n_edge1"},
		{"hyphen and dot", "edge-1.gru", "n_edge_1_gru"},
		{"digit in front", "1st", "n_1st"},
		{"a word of some language", "protocol", "n_protocol"},
		{"outside ASCII", "São", "n_S_o"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if have := site.Identifier(tt.in); have != tt.want {
				t.Errorf("got %q, want %q", have, tt.want)
			}
		})
	}
}
