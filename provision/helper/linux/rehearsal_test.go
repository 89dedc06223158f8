//go:build linux

package linux_test

import (
	"context"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/raiz-dns/raiz/provision/helper/contract"
	"github.com/raiz-dns/raiz/provision/helper/linux"
	"github.com/raiz-dns/raiz/provision/rehearse"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/site"
	"github.com/raiz-dns/raiz/templates"
)

// TestContractInRehearsal holds real servers to the whole contract, each with a
// release of Debian, and so of systemd.
func TestContractInRehearsal(t *testing.T) {
	if testing.Short() {
		t.Skip("boots machines")
	}
	if err := rehearse.Ready(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	program := filepath.Join(t.TempDir(), "contract.test")
	// As raiz-helper is built: names of users are then looked up without libc.
	build := exec.Command("go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	for _, release := range []string{"bookworm", "trixie"} {
		t.Run(release, func(t *testing.T) {
			server := machineOf(t, release)
			write := func(path string, mode os.FileMode, text string) {
				t.Helper()
				if err := server.Write(path, mode, text); err != nil {
					t.Fatal(err)
				}
			}
			write("/root/contract.test", 0o755, string(text))
			write("/root/contract.nft", 0o644, "table inet contract {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tudp dport 9 drop\n\t}\n}\n")
			for name, text := range unitFiles() {
				write("/etc/systemd/system/"+name, 0o644, text)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			out, err := server.Run(ctx, "env", "RAIZ_TEST_MACHINE=yes", "/root/contract.test", "-test.run=^TestContractHere$", "-test.v")
			t.Logf("on %s:\n%s", release, out)
			if err != nil || strings.Contains(out, "--- SKIP") || !strings.Contains(out, "--- PASS: TestContractHere/units/isolated") {
				t.Errorf("the contract is not kept: %v", err)
			}
		})
	}
}

func machineOf(t *testing.T, release string) *rehearse.Machine {
	t.Helper()
	packs, err := render.Packs(templates.FS())
	if err != nil {
		t.Fatal(err)
	}
	sites, diags := site.Load(os.DirFS("../../../sites"), "as112-gru1.hcl", site.Options{
		Packs: packs, Operators: os.DirFS("../../../templates/operators"),
	})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	s := *sites[0]
	s.Server.Release = release
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	tb, err := rehearse.Up(ctx, &s, rehearse.Options{Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tb.Down(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return tb.Server
}

// unitFiles are the units of the fixture.
func unitFiles() map[string]string {
	return map[string]string{
		"contract-idle.service":   "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
		"contract-broken.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo the disk has wings; exit 1'\n",
		"contract-slow.service":   "[Service]\nType=oneshot\nExecStart=/bin/sleep 60\n",
		"raiz-revert.service":     "[Unit]\nIgnoreOnIsolate=yes\n[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo >>/root/fired'\n",
	}
}

// TestContractHere is what TestContractInRehearsal has run on a server. It does
// nothing anywhere else.
func TestContractHere(t *testing.T) {
	if os.Getenv("RAIZ_TEST_MACHINE") == "" {
		return
	}
	do(t, "systemctl", "daemon-reload")
	do(t, "ip", "link", "add", "contract0", "type", "veth", "peer", "name", "contract1")
	// Without duplicate address detection no address would ever be unusable.
	do(t, "sysctl", "-qw", "net.ipv6.conf.contract0.accept_dad=1")
	do(t, "ip", "link", "set", "contract0", "up")
	do(t, "ip", "link", "set", "contract1", "up")
	contract.Run(t, contract.Fixture{
		OS: linux.New(), Files: files(t), Machine: programs(t),
		Units: &contract.Units{
			Idle: "contract-idle.service", Broken: "contract-broken.service", Words: "the disk has wings", Slow: "contract-slow.service",
			Absent: "contract-absent.service",
			Fired: func(*testing.T) int {
				text, _ := os.ReadFile("/root/fired") // it is there once it has
				return strings.Count(string(text), "\n")
			},
			Isolate: func(t *testing.T) {
				do(t, "systemctl", "isolate", "rescue.target")
				do(t, "systemctl", "isolate", "multi-user.target")
				do(t, "systemctl", "daemon-reexec")
			},
		},
		Network: &contract.Network{
			Link: "contract0", Absent: "contract7",
			IPv4: "203.0.113.9/24", Gateway4: "203.0.113.1", IPv6: "2001:db8:77::9/64", Gateway6: "2001:db8:77::1",
		},
	})
	contract.Run(t, contract.Fixture{OS: linux.New(), Around: &contract.Around{Broken: "contract-broken.service", Listen: listen}, Running: &contract.Running{
		Link: "contract0", Loads: []string{"nft", "--file", "/root/contract.nft"}, Shows: []string{"nft", "--stateless", "list", "ruleset"}, Rule: "udp dport 9 drop",
	}})
	t.Run("seen by others", seenByOthers)
	t.Run("bad disks", badDisks)
}

// listen listens on every address, of both families at once.
func listen(t *testing.T) (tcp, udp netip.AddrPort, program string) {
	t.Helper()
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p, err := net.ListenPacket("udp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	return here(l.Addr()), here(p.LocalAddr()), strings.TrimSpace(string(comm))
}

func do(t *testing.T, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", argv, err, out)
	}
	return string(out)
}
