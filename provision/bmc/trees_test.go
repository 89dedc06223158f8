package bmc_test

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/raiz-dns/raiz/provision/bmc"
	"github.com/raiz-dns/raiz/provision/redfish"
	"github.com/raiz-dns/raiz/provision/state"
)

// treesDir finds the saved answers of real controllers, which are not part of
// the repository.
func treesDir(t *testing.T) string {
	dir := os.Getenv("RAIZ_REDFISH_TREES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "redfish")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no saved trees of real controllers: %v; set RAIZ_REDFISH_TREES to read them", err)
	}
	return dir
}

// isSettingsObject tells by its path what is read besides the budget: one for
// each resource with a declared setting that takes effect at a reboot alone. Every
// saved tree calls them so.
func isSettingsObject(path string) bool {
	return slices.Contains([]string{"Settings", "Pending", "SD"}, filepath.Base(path)) && strings.Contains(path, "/Systems/")
}

// serveTree answers GET from saved files, and logins with a session.
func serveTree(t *testing.T, dir string) (bmc.Target, *atomic.Int64) {
	var gets atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost:
			w.Header().Set("X-Auth-Token", "token")
			w.Header().Set("Location", "/redfish/v1/SessionService/Sessions/1")
			w.WriteHeader(http.StatusCreated)
		case http.MethodDelete:
			w.WriteHeader(http.StatusNoContent)
		case http.MethodGet:
			if !isSettingsObject(r.URL.Path) {
				gets.Add(1)
			}
			body, err := os.ReadFile(filepath.Join(dir, filepath.Clean(r.URL.Path), "index.json"))
			if err != nil {
				w.WriteHeader(http.StatusNotFound)
				return
			}
			_, _ = w.Write(body)
		}
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	e := factory()
	listens := srv.Listener.Addr().String()
	e.Address = netip.AddrPortFrom(addressIn(t, dir, netip.MustParseAddr("127.0.0.1")), 443)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, listens)
	}
	return bmc.Target{Target: redfish.Target{Endpoints: []redfish.Endpoint{e}, Fingerprint: redfish.Fingerprint(srv.Certificate()), Timing: quick(), Dial: dial}}, &gets
}

// TestTrees reads every setting of every saved tree: each has a value, is
// absent, or is unsupported for a reason, and none costs more than it may.
func TestTrees(t *testing.T) {
	dir := treesDir(t)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		t.Run(e.Name(), func(t *testing.T) {
			t.Parallel()
			target, gets := serveTree(t, filepath.Join(dir, e.Name()))
			links := &cache{}
			target.Links = links
			names := allNames()[1:] // no user is declared
			var out string
			for _, budget := range []int64{12, 5} {
				c, err := bmc.Open(t.Context(), target)
				if err != nil {
					t.Fatal(err)
				}
				var b strings.Builder
				for _, f := range c.Read(t.Context(), keys(names...)) {
					if f.Unknown() {
						t.Error(f.Err)
					}
					v, _ := f.Value.(state.Attr)
					text, _ := json.Marshal(v.Values)
					switch {
					case f.Unsupported():
						text = []byte(f.Err.Error())
					case f.Value == nil:
						text = []byte("absent")
					}
					b.WriteString(f.Key.Name + " = " + string(text) + "\n")
				}
				if n := gets.Swap(0); n > budget && len(links.entries) > 0 {
					t.Errorf("%d reads, more than %d", n, budget)
				}
				for _, q := range c.Quirks() {
					b.WriteString("quirk " + q.Name + "\n")
				}
				if out != "" && out != b.String() {
					t.Errorf("the second look differs: %s\nfirst: %s", b.String(), out)
				}
				out = b.String()
				if err := c.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if target.Links == nil {
					break
				}
			}
			t.Log("\n" + out)
		})
	}
}

// addressIn is where the controller of a saved tree is managed: the first
// address of an interface that leads outside, or the given one.
func addressIn(t *testing.T, dir string, otherwise netip.Addr) netip.Addr {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "redfish/v1/Managers/*/EthernetInterfaces/*/index.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var eth struct {
			ID            string `json:"Id"`
			IPv4Addresses []struct{ Address string }
		}
		if json.Unmarshal(text, &eth) != nil || strings.Contains(eth.ID, "usb") || strings.Contains(eth.ID, "ToHost") {
			continue
		}
		for _, a := range eth.IPv4Addresses {
			if addr, err := netip.ParseAddr(a.Address); err == nil && addr.IsGlobalUnicast() {
				return addr
			}
		}
	}
	return otherwise
}
