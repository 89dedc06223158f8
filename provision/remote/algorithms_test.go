//go:build unix

package remote_test

import (
	"bufio"
	"crypto/dsa" //lint:ignore SA1019 a key that is too old is what is refused here
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision/remote"
)

// groups are the lists of names in a KEXINIT, in their order (RFC 4253 section
// 7.1). The last four say nothing of safety here.
func groups() []string {
	return []string{"kex", "host key", "cipher out", "cipher in", "mac out", "mac in"}
}

// listens reads what a client sends before any key is agreed on: its KEXINIT,
// from the bytes on the wire (RFC 4253 sections 4.2, 6 and 7.1).
func listens(t *testing.T) (netip.AddrPort, <-chan map[string][]string) {
	t.Helper()
	out := make(chan map[string][]string, 8)
	addr, _ := listen(t, func(c net.Conn) {
		defer c.Close()
		lists, err := readKexInit(c)
		if err != nil {
			t.Errorf("no KEXINIT: %v", err)
		}
		out <- lists
	})
	return addr, out
}

func readKexInit(c net.Conn) (map[string][]string, error) {
	if _, err := io.WriteString(c, "SSH-2.0-wire\r\n"); err != nil {
		return nil, err
	}
	r := bufio.NewReader(c)
	if said, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(said, "SSH-2.0-") {
		return nil, fmt.Errorf("it says %q: %w", said, err)
	}
	var head struct {
		Length  uint32
		Padding uint8
		Kind    uint8
		Cookie  [16]byte
	}
	if err := binary.Read(r, binary.BigEndian, &head); err != nil || head.Kind != 20 {
		return nil, fmt.Errorf("message %d: %w", head.Kind, err)
	}
	lists := map[string][]string{}
	for _, g := range groups() {
		var n uint32
		if err := binary.Read(r, binary.BigEndian, &n); err != nil || n > head.Length {
			return nil, fmt.Errorf("%s of %d bytes: %w", g, n, err)
		}
		text := make([]byte, n)
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, err
		}
		lists[g] = strings.Split(string(text), ",")
	}
	return lists, nil
}

// old are the names in a group that have SHA-1, CBC, RC4, MD5, a tag cut to
// pieces, or nothing at all.
func old(names []string) []string {
	var out []string
	for _, n := range names {
		bad := slices.ContainsFunc([]string{"sha1", "cbc", "arcfour", "md5", "-96", "ripemd", "dss"}, func(part string) bool { return strings.Contains(n, part) })
		if bad || n == "none" || n == "" || n == "ssh-rsa" || strings.HasPrefix(n, "ssh-rsa-cert") {
			out = append(out, n)
		}
	}
	return out
}

// TestOffered reads what raiz offers from the wire, by each way that it has to
// a server.
func TestOffered(t *testing.T) {
	s := newInProcess(t)
	addr, heard := listens(t)
	ways := map[string]func(remote.Target) error{
		"dial":   func(to remote.Target) error { _, err := remote.Dial(t.Context(), to); return err },
		"scan":   func(to remote.Target) error { _, err := remote.ScanHostKey(t.Context(), to); return err },
		"verify": func(to remote.Target) error { return remote.VerifyHostKey(t.Context(), to) },
		"jump": func(to remote.Target) error {
			to.Jumps, to.Addresses = []remote.Hop{{Address: addr, Login: to.Login}}, []netip.AddrPort{s.addr}
			_, err := remote.Dial(t.Context(), to)
			return err
		},
		"behind a jump": func(to remote.Target) error {
			to.Jumps = []remote.Hop{{Address: s.addr, Login: s.login()}}
			_, err := remote.Dial(t.Context(), to)
			return err
		},
	}
	for name, way := range ways {
		for _, kind := range []string{ssh.KeyAlgoED25519, ssh.KeyAlgoRSA, ssh.KeyAlgoECDSA256} {
			t.Run(name+" "+kind, func(t *testing.T) {
				target := s.target()
				target.Addresses = []netip.AddrPort{addr}
				target.Login.Pin.Key = line(signer(t, hostKey(t, kind)).PublicKey())
				if err := way(target); err == nil {
					t.Error("a server that hangs up is taken for one")
				}
				lists := <-heard
				for _, g := range groups() {
					if bad := old(lists[g]); len(lists[g]) == 0 || len(bad) > 0 {
						t.Errorf("%s: of %q these are old: %q", g, lists[g], bad)
					}
				}
				// Else a stranger on the way cuts messages off (CVE-2023-48795).
				if !slices.Contains(lists["kex"], "kex-strict-c-v00@openssh.com") {
					t.Errorf("no strict key exchange in %q", lists["kex"])
				}
			})
		}
	}
}

// What the library does by itself is seen to be old, in each group where it is.
func TestOldIsSeen(t *testing.T) {
	addr, heard := listens(t)
	insecure := ssh.InsecureAlgorithms()
	for name, config := range map[string]ssh.ClientConfig{
		"default": {},
		"all": {HostKeyAlgorithms: insecure.HostKeys, Config: ssh.Config{
			KeyExchanges: insecure.KeyExchanges, Ciphers: insecure.Ciphers, MACs: insecure.MACs}},
	} {
		config.HostKeyCallback = ssh.InsecureIgnoreHostKey()
		if _, err := ssh.Dial("tcp", addr.String(), &config); err == nil {
			t.Fatal("a server that hangs up is taken for one")
		}
		lists := <-heard
		for _, g := range groups() {
			clean := name == "default" && strings.HasPrefix(g, "cipher")
			if bad := old(lists[g]); (len(bad) == 0) != clean {
				t.Errorf("%s: %s: of %q these are old: %q", name, g, lists[g], bad)
			}
			if bad := old(lists[g]); name == "all" && g != "kex" && len(bad) != len(lists[g]) {
				t.Errorf("%s: of %q only these are old: %q", g, lists[g], bad)
			}
		}
	}
}

// oldServers have in one group nothing but what is old, and are else as they
// should be: as configurations of sshd, and what of it raiz has to name.
func oldServers() map[string]struct {
	config string
	pinned string
	want   []string
} {
	type server = struct {
		config string
		pinned string
		want   []string
	}
	return map[string]server{
		"kex":          {"KexAlgorithms diffie-hellman-group14-sha1\n", ssh.KeyAlgoED25519, []string{"key exchange", "diffie-hellman-group14-sha1", "curve25519-sha256", "KexAlgorithms"}},
		"cipher":       {"Ciphers aes128-cbc,3des-cbc\n", ssh.KeyAlgoED25519, []string{"client to server cipher", "aes128-cbc, 3des-cbc", "aes256-ctr", "Ciphers"}},
		"mac":          {"Ciphers aes128-ctr\nMACs hmac-sha1,hmac-sha1-96\n", ssh.KeyAlgoED25519, []string{"client to server MAC", "hmac-sha1, hmac-sha1-96", "hmac-sha2-256", "MACs"}},
		"host key":     {"HostKeyAlgorithms ssh-rsa\n", ssh.KeyAlgoRSA, []string{"host key", "ssh-rsa", "rsa-sha2-512", "HostKeyAlgorithms"}},
		"one host key": {"HostKeyAlgorithms ssh-ed25519,ssh-rsa\n", ssh.KeyAlgoRSA, []string{"host key", "ssh-ed25519, ssh-rsa", "rsa-sha2-512", "HostKeyAlgorithms"}},
	}
}

// TestOldServer wants a real sshd that is too old told by what it lacks, and
// what to do, and not by a wrong host key or a refused login.
func TestOldServer(t *testing.T) {
	for name, o := range oldServers() {
		t.Run(name, func(t *testing.T) {
			s := newSSHDWith(t, o.config)
			target := s.target()
			target.Login.Pin.Key = s.hostKeys[o.pinned]
			_, dialed := remote.Dial(t.Context(), target)
			errs := map[string]error{"dial": dialed, "verify": remote.VerifyHostKey(t.Context(), target)}
			if name != "one host key" { // a scan takes the other one
				_, errs["scan"] = remote.ScanHostKey(t.Context(), target)
			}
			for way, err := range errs {
				if err == nil {
					t.Errorf("%s: it was content", way)
					continue
				}
				for _, w := range append(o.want, s.addr.String(), "update the SSH server") {
					if !strings.Contains(err.Error(), w) {
						t.Errorf("%s: says nothing of %q: %v", way, w, err)
					}
				}
				if errors.Is(err, remote.ErrHostKey) || errors.Is(err, remote.ErrAuth) || errors.Is(err, remote.ErrUnreachable) {
					t.Errorf("%s: taken for something else: %v", way, err)
				}
			}
		})
	}
}

// An RSA key of ours signs with SHA-2, from a file and from an agent, also where
// the server would take SHA-1 or does not say what it takes.
func TestRSAIdentity(t *testing.T) {
	key := hostKey(t, ssh.KeyAlgoRSA)
	socket, _ := newAgent(t, key)
	logins := map[string]remote.Login{"file": {IdentityFile: writeKey(t, key, "")}, "agent": {AgentSocket: socket}}
	for name, l := range logins {
		for _, takes := range [][]string{{ssh.KeyAlgoRSA}, {ssh.KeyAlgoRSA, ssh.KeyAlgoRSASHA256}, {ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}} {
			t.Run(fmt.Sprint(name, takes), func(t *testing.T) {
				p, s := prepare(t)
				p.config.PublicKeyAuthAlgorithms = takes
				p.config.PublicKeyCallback = func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }
				s.addr, _ = listen(t, func(c net.Conn) { p.serve(t.Context(), c) })
				target := s.target()
				target.Login.IdentityFile, target.Login.AgentSocket = l.IdentityFile, l.AgentSocket
				conn, err := remote.Dial(t.Context(), target)
				if err == nil {
					defer conn.Close()
				}
				switch onlyOld := len(takes) == 1; {
				case !onlyOld && err != nil:
					t.Error(err)
				case onlyOld && (err == nil || !strings.Contains(err.Error(), "SHA-1 alone (ssh-rsa)") || !strings.Contains(err.Error(), "ed25519")):
					t.Errorf("a server that takes SHA-1 alone: %v", err)
				}
			})
		}
	}
	t.Run("sshd", func(t *testing.T) {
		allowed := filepath.Join(t.TempDir(), "allowed")
		if err := os.WriteFile(allowed, []byte(line(signer(t, key).PublicKey())+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			takes string
			in    bool
		}{{"ssh-rsa", false}, {"ssh-rsa,rsa-sha2-512", true}} {
			s := newSSHDWith(t, "AuthorizedKeysFile "+allowed+"\nPubkeyAcceptedAlgorithms "+tt.takes+"\n")
			target := s.target()
			target.Login.IdentityFile = logins["file"].IdentityFile
			conn, err := remote.Dial(t.Context(), target)
			if err == nil {
				_ = conn.Close()
			}
			if (err == nil) != tt.in {
				t.Errorf("%s: %v", tt.takes, err)
			}
		}
	})
}

// A DSA key, which signs with SHA-1 alone, is neither pinned nor logged in with.
func TestDSA(t *testing.T) {
	// The group is from nowhere: nothing is signed with it.
	var key dsa.PrivateKey
	if err := dsa.GenerateParameters(&key.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(&key, rand.Reader); err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	s := newInProcess(t)
	target := s.target()
	target.Login.Pin.Key = line(public)
	if _, err := remote.Dial(t.Context(), target); err == nil || !strings.Contains(err.Error(), "ssh-dss is no type that raiz trusts; pin the server's ed25519 key") {
		t.Errorf("pinned: %v", err)
	}
	socket, _ := newAgent(t, &key)
	target = s.target()
	target.Login.AgentSocket = socket
	_ = dial(t, target)
	target.Login.IdentityFile = ""
	if _, err := remote.Dial(t.Context(), target); !errors.Is(err, remote.ErrAuth) {
		t.Errorf("the agent's: %v", err)
	}
}

// Whatever a server calls its algorithms, one can read the error.
func TestManyNames(t *testing.T) {
	addr, _ := listen(t, func(c net.Conn) {
		defer c.Close()
		_, _ = io.WriteString(c, "SSH-2.0-many\r\n")
		lists := make([]byte, 0, 40_000)
		for _, names := range []string{strings.Repeat(strings.Repeat("x", 999)+",", 20) + "y", "ssh-ed25519", "", "", "", "", "", "", "", ""} {
			lists = binary.BigEndian.AppendUint32(lists, uint32(len(names)))
			lists = append(lists, names...)
		}
		payload := append(append([]byte{20}, make([]byte, 16)...), lists...)
		payload = append(payload, make([]byte, 5)...)
		padding := 16 - (len(payload)+5)%8
		packet := binary.BigEndian.AppendUint32(nil, uint32(len(payload)+1+padding))
		packet = append(append(append(packet, byte(padding)), payload...), make([]byte, padding)...)
		_, _ = c.Write(packet)
		_, _ = io.Copy(io.Discard, c)
	})
	_, s := prepare(t)
	target := s.target()
	target.Addresses = []netip.AddrPort{addr}
	_, err := remote.Dial(t.Context(), target)
	if err == nil || !strings.Contains(err.Error(), "no algorithm in common for key exchange: the server has xxx") || !strings.Contains(err.Error(), "and 13 more") || len(err.Error()) > 1500 {
		t.Errorf("got %v", err)
	}
}
