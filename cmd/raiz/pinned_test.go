//go:build linux

package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/raiz-dns/raiz/provision/plan"
	"github.com/raiz-dns/raiz/provision/render"
	"github.com/raiz-dns/raiz/provision/simbmc"
)

// The machines of this test, all of them in a network without any link: those
// of the site, and those of somebody who can change its file.
const (
	ownBMC, ownServer       = "200.160.2.10", "200.160.2.20"
	theirBMC, theirServer   = "200.160.2.11", "200.160.2.21"
	insideNetwork           = "RAIZ_TEST_INSIDE"
	bmcSecret, fileSecret   = planted + "-bmc", planted + "-file"
	execSecret, otherSecret = planted + "-exec", planted + "-other"
)

// TestPinned runs TestPinnedInside in a network of its own.
func TestPinned(t *testing.T) {
	need(t, "only root can be in a network of its own", os.Getuid() != 0)
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestPinnedInside$", "-test.v")
	cmd.Env = append(os.Environ(), insideNetwork+"=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestPinnedInside/honest")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// listener is a machine that keeps every byte that it is told.
type listener struct {
	mu    sync.Mutex
	conns int
	heard bytes.Buffer
}

func (l *listener) hear(p []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.heard.Write(p)
}

func (l *listener) told() (int, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns, l.heard.String()
}

func (l *listener) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = 0
	l.heard.Reset()
}

// Accept counts.
type counting struct {
	net.Listener
	by *listener
}

func (c counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.by.mu.Lock()
		c.by.conns++
		c.by.mu.Unlock()
	}
	return conn, err
}

func listenAt(t *testing.T, address string, by *listener) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return counting{l, by}
}

// aBMC is a Redfish service that keeps what it is sent.
func aBMC(t *testing.T, address string) (*listener, *simbmc.BMC) {
	t.Helper()
	bmc, err := simbmc.New(simbmc.Config{Personality: "openbmc", Users: map[string]string{"raiz": bmcSecret}})
	if err != nil {
		t.Fatal(err)
	}
	l := &listener{}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		l.hear(fmt.Appendf(nil, "%s %s %v %s\n", r.Method, r.URL, r.Header, body))
		r.Body = io.NopCloser(bytes.NewReader(body))
		bmc.Handler().ServeHTTP(w, r)
	})}
	t.Cleanup(func() { _ = srv.Close(); _ = bmc.Close() })
	in := listenAt(t, address+":443", l)
	go func() { _ = srv.Serve(tls.NewListener(in, bmc.TLSConfig())) }()
	return l, bmc
}

// aServer is an SSH server that lets everybody in, runs nothing and keeps what
// it is sent. The key is as a site file has it.
func aServer(t *testing.T, address string) (l *listener, key string) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
	config.AddHostKey(signer)
	l = &listener{}
	in := listenAt(t, address+":22", l)
	go func() {
		for {
			conn, err := in.Accept()
			if err != nil {
				return
			}
			go l.serve(conn, config)
		}
	}()
	return l, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey())))
}

func (l *listener) serve(raw net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(raw, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		if c.ChannelType() != "session" {
			_ = c.Reject(ssh.Prohibited, "no way through")
			continue
		}
		channel, asked, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range asked {
				l.hear(r.Payload)
				_ = r.Reply(true, nil)
				go func() {
					said, _ := io.ReadAll(io.LimitReader(channel, 1<<20))
					l.hear(said)
					_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{1}))
					_ = channel.Close()
				}()
			}
		}()
	}
}

// scene is the site, the operator's file, and who stands around.
type scene struct {
	t                         *testing.T
	dir                       string
	site                      string // its file, as the operator wrote it
	ownBMC, ownServer         *listener
	theirBMC, theirServer     *listener
	ownPrint, theirPrint      string
	ownKey, theirKey, theirCA string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	for _, args := range [][]string{
		{"link", "set", "lo", "up"}, {"addr", "add", ownBMC + "/32", "dev", "lo"}, {"addr", "add", ownServer + "/32", "dev", "lo"},
		{"addr", "add", theirBMC + "/32", "dev", "lo"}, {"addr", "add", theirServer + "/32", "dev", "lo"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	s := &scene{t: t, dir: t.TempDir()}
	var own, their *simbmc.BMC
	s.ownBMC, own = aBMC(t, ownBMC)
	s.theirBMC, their = aBMC(t, theirBMC)
	s.ownServer, s.ownKey = aServer(t, ownServer)
	s.theirServer, s.theirKey = aServer(t, theirServer)
	s.ownPrint, s.theirPrint = own.Fingerprint(), their.Fingerprint()
	conn, err := tls.Dial("tcp", theirBMC+":443", &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s.theirCA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw}))
	s.prepare()
	return s
}

func (s *scene) put(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// prepare writes what an operator has: an identity, a site, secrets in three
// places, and the file that allows them.
func (s *scene) prepare() {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		s.t.Fatal(err)
	}
	s.put("home/.ssh/raiz", string(pem.EncodeToMemory(block)))
	s.put("secrets/gru1/bgp", fileSecret+"\n")
	s.put("secrets/other/bgp", otherSecret+"\n")
	s.t.Setenv("HOME", filepath.Join(s.dir, "home"))
	s.t.Setenv("GRU1_BMC_PASSWORD", bmcSecret)
	s.t.Setenv("OTHER_BMC_PASSWORD", otherSecret)
	s.t.Setenv("GRU1_KEY", string(pem.EncodeToMemory(block))) // so that nothing but a pin is missing
	text, err := os.ReadFile("../../sites/as112-gru1.hcl")
	if err != nil {
		s.t.Fatal(err)
	}
	s.site = strings.NewReplacer(
		"sha256:3785b1282c31989d356f9bad9bb273b975e65ec4426407164677bf955cffae63", s.ownPrint,
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtKgFd6b6M7UnP9ztYSBwJlmfMj34Fc2Gpnuln9JQm4", s.ownKey,
		`env("GRU1_BGP_PASSWORD")`, fmt.Sprintf("file(%q)", filepath.Join(s.dir, "secrets/gru1/bgp")),
		`env("GRU1_BMC_FACTORY")`, fmt.Sprintf("exec(%q, %q)", "/bin/cat", s.put("vault/gru1", execSecret)),
		"\"192.168.0.120\"", fmt.Sprintf("%q", theirBMC), // as delivered, where anybody may answer
	).Replace(public(string(text)))
	s.put("operator.hcl", fmt.Sprintf(`
site "as112-gru*" {
  env     = ["GRU1_*"]
  folders = ["secrets/gru1"]
  program "/bin/cat" {
    arguments = [%q]
  }
  known_hosts      = "%s %s"
  bmc_certificates = [%q]
}
`, filepath.Join(s.dir, "vault/gru*"), ownServer, s.ownKey, s.ownPrint))
}

// run runs raiz on a change of the site file and returns what it said.
func (s *scene) run(change func(string) string, args ...string) (exitCode, string) {
	s.t.Helper()
	for _, l := range s.all() {
		l.forget()
	}
	file := s.put("sites/gru1.hcl", change(s.site))
	args = append(args, file, "--operator", filepath.Join(s.dir, "operator.hcl"))
	code, out, err := raiz(s.t, args...)
	for _, secret := range []string{bmcSecret, fileSecret, execSecret, otherSecret} {
		if strings.Contains(out+err, secret) {
			s.t.Errorf("it says %s: %s%s", secret, out, err)
		}
	}
	return code, out + err
}

func (s *scene) all() map[string]*listener {
	return map[string]*listener{"own BMC": s.ownBMC, "own server": s.ownServer, "their BMC": s.theirBMC, "their server": s.theirServer}
}

// planFiles: a plan file leads to no other site files, and one that is of others
// than those at hand is refused before anybody is dialled.
func (s *scene) planFiles(t *testing.T) {
	file := s.put("sites/gru1.hcl", s.site)
	t.Chdir(s.dir)
	g, _ := quiet()
	g.operator = filepath.Join(s.dir, "operator.hcl")
	own, o, _, err := new(target).aim(g, file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := render.Desired(own, o.Packs, render.With{Secrets: render.Revealed, Program: o.Helpers.Sum()})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		source, wants string
		more          []string
		code          exitCode
		says          string
		dials         bool
	}{
		"of these":             {"sites/gru1.hcl", plan.Wants(want), nil, exitUnreachable, "", true},
		"of others":            {"sites/gru1.hcl", strings.Repeat("0", 64), nil, exitUsage, "so that nobody was contacted", false},
		"from elsewhere":       {file, plan.Wants(want), nil, exitUsage, "is not below this folder", false},
		"from above":           {"../" + filepath.Base(s.dir) + "/sites/gru1.hcl", plan.Wants(want), nil, exitUsage, "is not below this folder", false},
		"from elsewhere, said": {"/nowhere/gru1.hcl", plan.Wants(want), []string{"--source", file}, exitUnreachable, "", true},
		"of another site":      {"sites/gru1.hcl", plan.Wants(want), []string{"--site", "other"}, exitUsage, "is of site as112-gru1, and not of other", false},
		"from nowhere":         {"gone/gru1.hcl", plan.Wants(want), nil, exitUsage, "which is not here", false},
		"of others, said":      {"/nowhere/gru1.hcl", strings.Repeat("0", 64), []string{"--source", file}, exitUsage, "so that nobody was contacted", false},
	} {
		t.Run(name, func(t *testing.T) {
			for _, l := range s.all() {
				l.forget()
			}
			text, err := json.Marshal(plan.Saved{Schema: 3, Site: "as112-gru1", Source: c.source, Wants: c.wants, Digest: strings.Repeat("0", 64)})
			if err != nil {
				t.Fatal(err)
			}
			args := append([]string{"apply", s.put("x.plan", string(text)), "--yes", "--operator", g.operator}, c.more...)
			code, out, said := raiz(t, args...)
			if code != c.code || !strings.Contains(said, c.says) {
				t.Errorf("exit %d, want %d: %s%s", code, c.code, out, said)
			}
			for who, l := range s.all() {
				if n, _ := l.told(); (n > 0) != (c.dials && strings.HasPrefix(who, "own")) && !(c.dials && who == "their BMC") {
					t.Errorf("%s was dialled %d times", who, n)
				}
			}
		})
	}
}

// TestPinnedInside: with an operator file, the secrets of a site go to its
// machines and to nobody else, whatever the site file says.
func TestPinnedInside(t *testing.T) {
	if os.Getenv(insideNetwork) == "" {
		return // TestPinned runs it
	}
	s := newScene(t)
	t.Run("honest", func(t *testing.T) {
		s.t = t
		for _, verb := range [][]string{{"plan"}, {"bmc", "info"}, {"verify"}} {
			code, said := s.run(func(site string) string { return site }, verb...)
			if _, heard := s.ownBMC.told(); !strings.Contains(heard, bmcSecret) {
				t.Errorf("%v: exit %d, and the BMC has not been logged in to: %s", verb, code, said)
			}
			if n, _ := s.ownServer.told(); n == 0 && verb[0] != "bmc" {
				t.Errorf("%v: the server has not been dialled: %s", verb, said)
			}
			s.innocent(t)
		}
	})
	t.Run("enrolled", func(t *testing.T) { s.t = t; s.enrolled(t) })
	t.Run("plan files", func(t *testing.T) { s.t = t; s.planFiles(t) })
	replace := func(pairs ...string) func(string) string {
		return func(site string) string {
			for i := 0; i < len(pairs); i += 2 {
				if !strings.Contains(site, pairs[i]) {
					t.Errorf("the site has no %s", pairs[i])
				}
				site = strings.ReplaceAll(site, pairs[i], pairs[i+1])
			}
			return site
		}
	}
	// Each of these is refused before anybody is dialled.
	for name, change := range map[string]func(string) string{
		"their BMC and its pin":    replace(ownBMC, theirBMC, s.ownPrint, s.theirPrint),
		"their pin alone":          replace(s.ownPrint, s.theirPrint),
		"their server and its key": replace(ownServer, theirServer, s.ownKey, s.theirKey),
		"their key alone":          replace(s.ownKey, s.theirKey),
		"their CA":                 replace("certificate   = \""+s.ownPrint+"\"", "ca = <<EOT\n"+s.theirCA+"EOT\n"),
		"their new certificate":    replace("    factory {", "    https {\n      certificate = <<EOT\n"+s.theirCA+"EOT\n      key = env(\"GRU1_KEY\")\n    }\n    factory {"),
		"a variable of another":    replace("GRU1_BMC_PASSWORD", "OTHER_BMC_PASSWORD"),
		"a file of another":        replace("secrets/gru1/bgp", "secrets/other/bgp"),
		"a climbing file":          replace("secrets/gru1/bgp", "secrets/gru1/../other/bgp"),
		"another argument":         replace("/vault/gru1", "/secrets/other/bgp"),
		"another program":          replace(`exec("/bin/cat"`, `exec("/bin/head"`),
		"joined":                   replace(`env("GRU1_BMC_PASSWORD")`, `"${env("GRU1_BMC_PASSWORD")}:x"`),
		"another site's name":      replace(`site "as112-gru1"`, `site "as112-eze1"`),
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			for _, verb := range [][]string{{"plan"}, {"apply", "--yes"}, {"bmc", "info"}, {"verify"}, {"history"}, {"rollback", "--yes"}, {"release", "--yes"}, {"drain", "--yes"}, {"undrain"}} {
				code, said := s.run(change, verb...)
				if code != exitUsage || !strings.Contains(said, "[operator-file]") && !strings.Contains(said, "[secret-whole]") {
					t.Errorf("%v: exit %d: %s", verb, code, said)
				}
				for who, l := range s.all() {
					if n, heard := l.told(); n > 0 {
						t.Errorf("%v: %s was dialled %d times and told %q", verb, who, n, heard)
					}
				}
			}
		})
	}
	// Where only the address is another one, the pin is what stops it.
	for name, change := range map[string]func(string) string{
		"their BMC's address":    replace(ownBMC, theirBMC),
		"their server's address": replace(ownServer, theirServer),
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			for _, verb := range [][]string{{"plan"}, {"verify"}} {
				if code, said := s.run(change, verb...); code == exitDone || code == exitPending {
					t.Errorf("%v: exit %d: %s", verb, code, said)
				}
				s.innocent(t)
			}
		})
	}
}

// enrolled goes the way of somebody who has a site file and nothing else: enroll
// pins the machines in both files, plan says what to write, and with that text
// it goes on.
func (s *scene) enrolled(t *testing.T) {
	key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.ownKey))
	if err != nil {
		t.Fatal(err)
	}
	operator := filepath.Join(s.dir, "new", "raiz", "operator.hcl")
	file := s.put("enrol/gru1.hcl", strings.NewReplacer(
		"    certificate   = \""+s.ownPrint+"\"\n", "", "      host_key  = \""+s.ownKey+"\"\n", "").Replace(s.site))
	code, out, said := raiz(t, "enroll", file, "--operator", operator, "--accept", s.ownPrint, "--accept-host-key", ssh.FingerprintSHA256(key))
	if !strings.Contains(out, operator+": pinned") || !strings.Contains(out, file+": pinned") {
		t.Fatalf("exit %d: %s%s", code, out, said)
	}
	for _, l := range s.all() {
		l.forget()
	}
	code, _, said = raiz(t, "plan", file, "--operator", operator)
	if code != exitUsage || !strings.Contains(said, "lookup not allowed") {
		t.Fatalf("exit %d: %s", code, said)
	}
	for who, l := range s.all() {
		if n, _ := l.told(); n > 0 {
			t.Errorf("%s was dialled before the operator allowed it", who)
		}
	}
	_, block, _ := strings.Cut(said, "write there:\n\n")
	block, _, _ = strings.Cut(block, "raiz: error:")
	have, err := os.ReadFile(operator)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(operator, append(have, "\n"+block...), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, said = raiz(t, "plan", file, "--operator", operator)
	if _, heard := s.ownBMC.told(); !strings.Contains(heard, bmcSecret) {
		t.Errorf("exit %d, and the BMC has not been logged in to: %s\n%s", code, said, block)
	}
	s.innocent(t)
}

// innocent demands that the others have been told no secret.
func (s *scene) innocent(t *testing.T) {
	t.Helper()
	for who, l := range map[string]*listener{"their BMC": s.theirBMC, "their server": s.theirServer} {
		if _, heard := l.told(); strings.Contains(heard, planted) || heard != "" {
			t.Errorf("%s was told %q", who, heard)
		}
	}
}
